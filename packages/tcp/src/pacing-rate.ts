import { flightSize } from './tcb.ts'
import type { Tcb } from './tcb.ts'

/** Bytes a second at which the connection may send; 0 = as fast as the window allows. */
export function pacingRate(tcb: Tcb): number {
  const { cc, settings } = tcb
  const rate = cc.pacingRate ?? windowRate(tcb)
  const { maxPacingRate } = settings
  if (maxPacingRate === null) return rate
  return rate === 0 ? maxPacingRate : Math.min(rate, maxPacingRate)
}

/** The window within half of a round trip in slow start, and within five sixths of it later, as Linux does it. */
function windowRate(tcb: Tcb): number {
  const { cc, rtt } = tcb
  if (rtt.smoothed === 0) return 0
  const ratio = cc.cwnd < cc.ssthresh / 2 ? 2 : 1.2
  return (ratio * Math.max(cc.cwnd, flightSize(tcb)) * 1e6) / rtt.smoothed
}
