<?php
// A back-end for a chat in PHP, without a package: README.md beside it. Run it by PHP's own server:
// php -S 127.0.0.1:8000 backend.php
const ROOM = 'room:lobby';
const SEEN = 'seen.txt'; // texts of which a hook has told: each request is a process of its own

// A call of the server API: its status, and its answer.
function ask(string $method, string $path, ?array $body = null): array {
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => 'Authorization: Bearer ' . getenv('FLARE_API_KEY'),
        'content' => $body === null ? '' : json_encode($body),
        'ignore_errors' => true,
        'timeout' => 10,
    ]]);
    $answer = file_get_contents((getenv('FLARE_API') ?: 'http://127.0.0.1:4002') . $path, false, $context);
    return [(int) explode(' ', $http_response_header[0])[1], json_decode($answer, true)];
}

function base64url(string $bytes): string {
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

// A token (JWT, HS256) with which $user may connect for an hour.
function token(string $user): string {
    $text = base64url(json_encode(['alg' => 'HS256', 'typ' => 'JWT'])) . '.' .
        base64url(json_encode(['sub' => $user, 'exp' => time() + 3600]));
    return $text . '.' . base64url(hash_hmac('sha256', $text, trim(file_get_contents('token.secret')), true));
}

// Whether the server has sent it, and not long ago.
function isSigned(string $body): bool {
    $key = base64_decode(str_replace('whsec_', '', trim(file_get_contents('hook.secret'))));
    $stamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '0';
    $content = ($_SERVER['HTTP_WEBHOOK_ID'] ?? '') . ".$stamp.$body";
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', $content, $key, true));
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $each) {
        if (hash_equals($expected, $each)) return abs(time() - (int) $stamp) < 300;
    }
    return false;
}

function onHook(array $event): array {
    if (($event['type'] ?? '') === 'message.before_create') {
        $rude = str_contains($event['data']['message']['text'] ?? '', 'darn');
        return $rude ? ['action' => 'refuse', 'text' => 'be nice'] : ['action' => 'accept'];
    }
    foreach ($event['events'] as $each) {
        $entry = $each['data']['entry'];
        file_put_contents(SEEN, $entry['from'] . ': ' . ($entry['text'] ?? '') . "\n", FILE_APPEND | LOCK_EX);
    }
    return ['action' => 'accept'];
}

// Makes the room when it is not there yet.
function makeRoom(): void {
    [$status, $answer] = ask('POST', '/v1/conversations',
        ['conversation' => ROOM, 'owner' => 'host', 'title' => 'Lobby']);
    if ($status === 200) ask('POST', '/v1/messages', ['to' => ROOM, 'text' => 'welcome']);
}

function answer(): array {
    $url = parse_url($_SERVER['REQUEST_URI']);
    if ($_SERVER['REQUEST_METHOD'] === 'POST') {
        $body = file_get_contents('php://input');
        if ($url['path'] !== '/hooks' || !isSigned($body)) return [401, ['error' => 'not signed by the server']];
        return [200, onHook(json_decode($body, true))];
    }
    $user = $_GET['user'] ?? '';
    if ($url['path'] === '/token' && $user !== '') { // a real one asks for a password first
        makeRoom();
        ask('POST', '/v1/conversations/' . ROOM . '/members', ['users' => [$user]]);
        return [200, ['token' => token($user)]];
    }
    if ($url['path'] === '/history') return ask('GET', '/v1/conversations/' . ROOM . '/messages?limit=50');
    if ($url['path'] === '/seen') return [200, ['seen' => is_file(SEEN) ? file(SEEN, FILE_IGNORE_NEW_LINES) : []]];
    return [404, ['error' => 'GET /token?user=NAME, /history or /seen']];
}

[$status, $value] = answer();
http_response_code($status);
header('Content-Type: application/json');
echo json_encode($value);
