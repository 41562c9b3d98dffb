// Socket.IO with its defaults: node socketio.js server PORT [recovery] | client URL
import {Server} from 'socket.io';
import {io} from 'socket.io-client';
import {got, obey} from './peer.js';

const [role, address, recovery] = process.argv.slice(2);
if (role === 'server') {
  const server = new Server(Number(address), recovery === 'recovery' ? {connectionStateRecovery: {}} : {});
  server.on('connection', (socket) => {
    socket.join('walker');
    socket.on('number', got);
  });
  obey((number) => server.to('walker').emit('number', number));
} else {
  const socket = io(address);
  socket.on('number', got);
  socket.once('connect', () => obey((number) => socket.emit('number', number)));
}
