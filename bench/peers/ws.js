// The ws package: every message goes back. node ws.js PORT
import {WebSocketServer} from 'ws';

new WebSocketServer({host: '127.0.0.1', port: Number(process.argv[2]), perMessageDeflate: false}).on(
  'connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, {binary: isBinary})));
