// nats.js with its defaults: node nats.js server|client ADDRESS
import {connect} from '@nats-io/transport-node';
import {got, obey} from './peer.js';

const [role, servers] = process.argv.slice(2);
const [mine, theirs] = role === 'server' ? ['up', 'down'] : ['down', 'up'];
const connection = await connect({servers});
connection.subscribe(mine, {callback: (error, message) => error === null && got(message.string())});
await connection.flush();
obey((number) => connection.publish(theirs, String(number)));
