// Socket.IO: every event is acknowledged with what it carried. node socketio.js PORT
import {createServer} from 'node:http';
import {Server} from 'socket.io';

const http = createServer();
new Server(http, {transports: ['websocket'], perMessageDeflate: false, serveClient: false}).on(
  'connection', (socket) => socket.on('m', (data, acknowledge) => acknowledge(data)));
http.listen(Number(process.argv[2]), '127.0.0.1');
