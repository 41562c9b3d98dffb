// A back-end for a chat in Node (18 or later), without a package: README.md beside it.
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");

const api = process.env.FLARE_API ?? "http://127.0.0.1:4002";
const tokenSecret = fs.readFileSync("token.secret", "utf8").trim();
const hookKey = Buffer.from(fs.readFileSync("hook.secret", "utf8").trim().replace("whsec_", ""), "base64");
const room = "room:lobby";
const seen = []; // texts of which a hook has told

// A call of the server API: its status, and its answer.
async function ask(method, path, body) {
  const answer = await fetch(api + path, {
    method,
    headers: { Authorization: `Bearer ${process.env.FLARE_API_KEY}` },
    body: body && JSON.stringify(body),
  });
  return [answer.status, await answer.json()];
}

// A token (JWT, HS256) with which `user` may connect for an hour.
function token(user) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp })}`;
  return `${text}.${crypto.createHmac("sha256", tokenSecret).update(text).digest("base64url")}`;
}

// Whether the server has sent it, and not long ago.
function isSigned(headers, body) {
  const stamp = headers["webhook-timestamp"] ?? "0";
  const content = `${headers["webhook-id"]}.${stamp}.${body}`;
  const expected = Buffer.from(`v1,${crypto.createHmac("sha256", hookKey).update(content).digest("base64")}`);
  const good = (headers["webhook-signature"] ?? "").split(" ").map((each) => Buffer.from(each)).some(
    (each) => each.length === expected.length && crypto.timingSafeEqual(each, expected));
  return good && Math.abs(Date.now() / 1000 - Number(stamp)) < 300;
}

function onHook(event) {
  if (event.type === "message.before_create") {
    const rude = (event.data.message.text ?? "").includes("darn");
    return rude ? { action: "refuse", text: "be nice" } : { action: "accept" };
  }
  for (const { data } of event.events) seen.push(`${data.entry.from}: ${data.entry.text ?? ""}`);
  return {};
}

async function answerTo(request, body) {
  const url = new URL(request.url, "http://localhost");
  const user = url.searchParams.get("user");
  if (request.method === "POST") {
    if (url.pathname !== "/hooks" || !isSigned(request.headers, body))
      return [401, { error: "not signed by the server" }];
    return [200, onHook(JSON.parse(body))];
  }
  if (url.pathname === "/token" && user) { // a real one asks for a password first
    await ask("POST", `/v1/conversations/${room}/members`, { users: [user] });
    return [200, { token: token(user) }];
  }
  if (url.pathname === "/history") return ask("GET", `/v1/conversations/${room}/messages?limit=50`);
  if (url.pathname === "/seen") return [200, { seen }];
  return [404, { error: "GET /token?user=NAME, /history or /seen" }];
}

const server = http.createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const [status, value] = await answerTo(request, Buffer.concat(parts).toString());
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
});

(async () => {
  const [status, answer] = await ask("POST", "/v1/conversations",
    { conversation: room, owner: "host", title: "Lobby" });
  if (status === 200) await ask("POST", "/v1/messages", { to: room, text: "welcome" });
  else if (status !== 409) throw new Error(`the room cannot be made: ${JSON.stringify(answer)}`);
  const port = Number(process.env.PORT ?? 8000);
  server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
})();
