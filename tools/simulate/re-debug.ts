import { scenarios } from '/work/wt/cubic/tools/simulate/src/scenarios/index.ts'
import { runScenario } from '/work/wt/cubic/tools/simulate/src/run.ts'
const { net } = await runScenario(scenarios.find((s) => s.name === process.argv[2])!, 1)
const from = Number(process.argv[3]), until = Number(process.argv[4])
const flow = net.flows[0] as any
console.log(flow.sender?.stack?.statistics?.().protocols?.tcp ?? Object.keys(flow))
const t = flow.trace
let last = ''
for (let i = 0; i < t.length; i++) {
  if (t.time(i) < from || t.time(i) > until) continue
  const r = t.row(i)
  const key = `${r.ssthresh}`
  if ((t.isSend(i) && t.isRetransmission(i)) || key !== last) console.log(JSON.stringify({ t: +t.time(i).toFixed(4), k: t.isSend(i) ? 'S' : t.isReceive(i) ? 'R' : 'T', pos: Math.round(t.position(i) / 1448), why: r.reason, cwnd: Math.round(t.cwnd(i) / 1448), ss: Math.round(t.ssthresh(i) / 1448), fl: Math.round(t.inFlight(i) / 1448), srtt: +t.srtt(i).toFixed(1) }))
  last = key
}
