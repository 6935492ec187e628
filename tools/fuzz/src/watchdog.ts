import { Worker } from 'node:worker_threads'

// A thread of its own: who hangs in a loop cannot say so.
const SCRIPT = `
const { workerData: { shared, limit } } = require('node:worker_threads')
const beats = new Int32Array(shared)
for (let last = -1; ;) {
  if (Atomics.wait(beats, 0, Atomics.load(beats, 0), limit) === 'timed-out') {
    require('node:fs').writeSync(2, 'No case has ended for ' + limit / 1000 + ' s: the stack hangs. Seed ' + Atomics.load(beats, 1) + ', case ' + Atomics.load(beats, 2) + ' of target ' + Atomics.load(beats, 3) + '.\\n')
    process.kill(process.pid, 'SIGKILL')
  }
}
`

/** Ends the process when no case has begun for `limit` ms, and says where that was. */
export interface Watchdog {
  round(seed: number, target: number): void
  beat(): void
}

export function watchdog(limit: number): Watchdog {
  const shared = new SharedArrayBuffer(16)
  const beats = new Int32Array(shared)
  new Worker(SCRIPT, { eval: true, workerData: { shared, limit } }).unref()
  return {
    round(seed, target) {
      beats[1] = seed
      beats[2] = 0
      beats[3] = target
    },
    beat() {
      beats[2]!++
      Atomics.add(beats, 0, 1)
      Atomics.notify(beats, 0)
    },
  }
}
