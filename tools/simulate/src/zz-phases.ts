import { runScenario } from './run.ts'
import { scenarios } from './scenarios/index.ts'
const [name, seed, until] = process.argv.slice(2)
const { net, trial } = await runScenario(scenarios.find((s) => s.name === name)!, Number(seed))
const flow = net.flows[0] as any
const t = flow.trace
let last = ''
let n = 0
let from = 0
const total: Record<string, number> = {}
let sumR = 0
for (let i = 0; i < t.length; i++) {
  const p = t.phase(i)
  if (p !== last) {
    total[last] = (total[last] ?? 0) + t.time(i) - from
    const q = net.wires[0]
    if (t.time(i) < Number(until)) console.log(t.time(i).toFixed(3), p, 'after', (t.time(i) - from).toFixed(3), 'cwnd', t.cwnd(i), 'rate', (t.pacingRate(i) * 8 / 1e6).toFixed(1), 'inflight', t.inFlight(i), 'srtt', t.srtt(i).toFixed(1))
    last = p; from = t.time(i)
  }
}
console.log(total, trial.claims.map((c) => c.what + ' ' + c.value))
for (let s = 0; s < 64; s += 4) process.stdout.write((flow.goodput(s, s + 4) / 1e6).toFixed(1) + ' ')
console.log()
