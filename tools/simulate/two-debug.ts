import { scenarios } from '/work/wt/cubic/tools/simulate/src/scenarios/index.ts'
import { runScenario } from '/work/wt/cubic/tools/simulate/src/run.ts'
const name = process.argv[2]!, seed = Number(process.argv[3] ?? 1), step = Number(process.argv[4] ?? 2)
const { net, trial, outcome, error } = await runScenario(scenarios.find((s) => s.name === name)!, seed)
if (error) console.log(error)
for (const c of trial.claims) console.log(c.what, c.value, c.bound, c.holds)
for (const flow of net.flows as any[]) {
  const t = flow.trace
  const rows: string[] = []
  let next = 0, i = 0
  let rtx = 0, to = 0
  for (; i < t.length; i++) {
    if (t.isSend(i) && t.isRetransmission(i)) rtx++
    if (t.time(i) >= next) {
      rows.push(`${t.time(i).toFixed(2)}s cwnd ${(t.cwnd(i) / 1448).toFixed(0)} ssth ${(t.ssthresh(i) / 1448).toFixed(0)} fl ${(t.inFlight(i)/1448).toFixed(0)} rtx ${rtx} gp ${(flow.goodput(Math.max(0,next-step), next)/1e6).toFixed(1)}`)
      next += step
    }
  }
  console.log(flow.name, 'retransmits', flow.retransmits, 'timeouts', flow.timeouts)
  console.log(rows.join('\n'))
}
