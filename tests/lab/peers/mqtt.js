// MQTT.js with its defaults, QoS 1 and a session that outlives the connection: node mqtt.js server|client URL
import mqtt from 'mqtt';
import {got, obey} from './peer.js';

const [role, url] = process.argv.slice(2);
const [mine, theirs] = role === 'server' ? ['up', 'down'] : ['down', 'up'];
const client = mqtt.connect(url, {clientId: role, clean: false});
client.on('message', (topic, payload) => got(payload.toString()));
client.on('error', () => {});  // it connects again by itself
client.once('connect', () =>
  client.subscribe(mine, {qos: 1}, () => obey((number) => client.publish(theirs, String(number), {qos: 1}))));
