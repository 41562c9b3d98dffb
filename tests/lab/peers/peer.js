// What the peers have in common: the lab tells them over stdin, and they tell it over stdout, a line each.
//   stdin:   start RATE   (messages a second)
//            stop
//   stdout:  ready        got NUMBER        sent COUNT   (after stop)
import {createInterface} from 'node:readline';

const say = (line) => process.stdout.write(line + '\n');
export const got = (number) => say(`got ${number}`);

// `send(number)` sends one. One that throws counts as sent: the lab will find it lost.
export function obey(send) {
  let sent = 0;
  let timer;
  const start = (rate) => {
    const begun = performance.now();
    timer = setInterval(() => {
      for (const due = (performance.now() - begun) * rate / 1000; sent < due; ++sent) {
        try {
          send(sent);
        } catch {}
      }
    }, 5);
  };
  createInterface({input: process.stdin})
    .on('line', (line) => {
      const [word, rate] = line.split(' ');
      if (word === 'start') start(Number(rate));
      if (word !== 'stop') return;
      clearInterval(timer);
      say(`sent ${sent}`);
    })
    .on('close', () => process.exit(0));
  say('ready');
}
