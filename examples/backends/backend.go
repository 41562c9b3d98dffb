// A back-end for a chat in Go, with its standard library alone: README.md beside it.
package main

import ("bytes"; "crypto/hmac"; "crypto/sha256"; "encoding/base64"; "encoding/json"; "fmt"; "io"; "net/http"; "os"
	"strconv"; "strings"; "sync"; "time")

const room = "room:lobby"
type object = map[string]any

var (
	api, port = os.Getenv("FLARE_API"), os.Getenv("PORT")
	mutex     sync.Mutex
	seen      = []string{} // texts of which a hook has told
)

func secret(file string) string {
	text, _ := os.ReadFile(file)
	return strings.TrimSpace(string(text))
}

func sum(key, text []byte) []byte { made := hmac.New(sha256.New, key); made.Write(text); return made.Sum(nil) }

// A call of the server API: its status, and its answer.
func ask(method, path string, body object) (int, object) {
	text, _ := json.Marshal(body)
	if body == nil { text = nil }
	request, _ := http.NewRequest(method, api+path, bytes.NewReader(text))
	request.Header.Set("Authorization", "Bearer "+os.Getenv("FLARE_API_KEY"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil { return 502, object{"error": err.Error()} }
	defer answer.Body.Close()
	var value object
	json.NewDecoder(answer.Body).Decode(&value)
	return answer.StatusCode, value
}

// A token (JWT, HS256) with which `user` may connect for an hour.
func token(user string) string {
	encode := base64.RawURLEncoding.EncodeToString
	part := func(value object) string { text, _ := json.Marshal(value); return encode(text) }
	text := part(object{"alg": "HS256", "typ": "JWT"}) + "." + part(object{"sub": user, "exp": time.Now().Unix() + 3600})
	return text + "." + encode(sum([]byte(secret("token.secret")), []byte(text)))
}

// Whether the server has sent it, and not long ago.
func isSigned(header http.Header, body []byte) bool {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret("hook.secret"), "whsec_"))
	content := header.Get("webhook-id") + "." + header.Get("webhook-timestamp") + "." + string(body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(sum(key, []byte(content))))
	sent, _ := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	for _, each := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal(expected, []byte(each)) { return time.Since(time.Unix(sent, 0)).Abs() < 5*time.Minute }
	}
	return false
}

func onHook(body []byte) object {
	type entry struct{ From, Text string }
	var event struct { Type string; Data struct{ Message entry }; Events []struct{ Data struct{ Entry entry } } }
	json.Unmarshal(body, &event)
	if event.Type == "message.before_create" && strings.Contains(event.Data.Message.Text, "darn") {
		return object{"action": "refuse", "text": "be nice"}
	}
	mutex.Lock()
	defer mutex.Unlock()
	for _, each := range event.Events { seen = append(seen, each.Data.Entry.From+": "+each.Data.Entry.Text) }
	return object{"action": "accept"}
}

func answer(request *http.Request) (int, any) {
	body, _ := io.ReadAll(request.Body)
	switch user := request.URL.Query().Get("user"); {
	case request.Method == "POST" && isSigned(request.Header, body): return 200, onHook(body)
	case request.Method == "POST": return 401, object{"error": "not signed by the server"}
	case request.URL.Path == "/token" && user != "": // a real one asks for a password first
		ask("POST", "/v1/conversations/"+room+"/members", object{"users": []string{user}})
		return 200, object{"token": token(user)}
	case request.URL.Path == "/history": return ask("GET", "/v1/conversations/"+room+"/messages?limit=50", nil)
	case request.URL.Path == "/seen": mutex.Lock(); defer mutex.Unlock(); return 200, object{"seen": append([]string{}, seen...)}
	}
	return 404, object{"error": "GET /token?user=NAME, /history or /seen"}
}

func main() {
	if api == "" { api = "http://127.0.0.1:4002" }
	if port == "" { port = "8000" }
	status, made := ask("POST", "/v1/conversations", object{"conversation": room, "owner": "host", "title": "Lobby"})
	if status == 200 { ask("POST", "/v1/messages", object{"to": room, "text": "welcome"}) }
	if status != 200 && status != 409 { panic(fmt.Sprint("the room cannot be made: ", made)) }
	http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
		status, value := answer(request)
		writer.Header().Set("Content-Type", "application/json")
		writer.WriteHeader(status)
		json.NewEncoder(writer).Encode(value)
	})
	address := "127.0.0.1:" + port
	fmt.Println("http://" + address)
	panic(http.ListenAndServe(address, nil))
}
