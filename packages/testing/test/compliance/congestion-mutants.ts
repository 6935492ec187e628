import type { AckSampleLike, CongestionAlgorithmLike, CongestionControlLike, CongestionSenderLike } from '../../src/index.ts'

/** A control that passes every case: slow start, congestion avoidance, half at a loss. Mutants replace its methods. */
export class GoodControl implements CongestionControlLike {
  name = 'good'
  cwnd: number
  ssthresh = 1 << 30
  readonly sender: CongestionSenderLike
  afterTimeout = false
  // Before the last reduction.
  priorWindow = 0
  priorThreshold = 0
  acked = 0

  constructor(sender: CongestionSenderLike) {
    this.sender = sender
    this.cwnd = this.initialWindow()
  }

  get mss(): number {
    return this.sender.mss
  }

  initialWindow = (): number => Math.min(10 * this.sender.mss, Math.max(2 * this.sender.mss, 14_600))

  onAck = (sample: AckSampleLike): void => {
    if (sample.limited) this.grow(sample.acked)
  }

  grow = (acked: number): void => {
    if (this.cwnd < this.ssthresh) this.slowStart(acked)
    else this.avoid(acked)
  }

  slowStart = (acked: number): void => {
    this.cwnd += this.afterTimeout ? Math.min(acked, this.mss) : acked
  }

  avoid = (acked: number): void => {
    this.afterTimeout = false
    this.acked += acked
    if (this.acked < this.cwnd) return
    this.acked -= this.cwnd
    this.cwnd += this.mss
  }

  half = (flight: number): number => Math.max(Math.floor(flight / 2), 2 * this.mss)

  onLoss = (flight: number): void => {
    this.priorWindow = this.cwnd
    this.priorThreshold = this.ssthresh
    this.ssthresh = this.half(flight)
    this.cwnd = this.ssthresh
  }

  onCongestion = (): void => {
    this.ssthresh = this.half(this.cwnd)
    this.cwnd = this.ssthresh
  }

  onMarks = (_sample: AckSampleLike): void => {}

  onRecovered = (flight: number): void => {
    this.cwnd = Math.min(this.ssthresh, Math.max(flight, this.mss) + this.mss)
  }

  onUndo = (): void => {
    this.cwnd = Math.max(this.cwnd, this.priorWindow)
    this.ssthresh = Math.max(this.ssthresh, this.priorThreshold)
    this.afterTimeout = false
  }

  onTimeout = (flight: number): void => {
    this.priorWindow = this.cwnd
    this.priorThreshold = this.ssthresh
    this.ssthresh = this.half(flight)
    this.cwnd = this.mss
    this.afterTimeout = true
  }

  onIdle = (): void => {
    this.cwnd = Math.min(this.cwnd, this.initialWindow())
  }

  onLostSyn = (): void => {
    this.cwnd = this.mss
  }

  onMss = (): void => {
    this.cwnd = Math.max(this.cwnd, this.mss)
  }
}

/** What all connections of one algorithm would share. */
export interface Shared {
  calls: number
  ssthresh: number
}

/** The algorithm of good controls, each changed by `mutate`. `shared` is one object for all its connections. */
export function goodAlgorithm(mutate: (control: GoodControl, shared: Shared) => void = () => {}): CongestionAlgorithmLike {
  const shared: Shared = { calls: 0, ssthresh: 0 }
  return {
    name: 'good',
    create(sender) {
      const control = new GoodControl(sender)
      mutate(control, shared)
      return control
    },
  }
}

/** For each case a fault that it alone catches. */
export const CONGESTION_MUTANTS: Readonly<Record<string, (control: GoodControl, shared: Shared) => void>> = {
  'its name is that of the algorithm': (control) => {
    control.name = 'bad'
  },
  'begins with the initial window at most, and one segment at least': (control) => {
    control.cwnd += 1
  },
  'begins in slow start, with a threshold that is arbitrarily high': (control) => {
    control.ssthresh = 65_000
  },
  'grows in slow start'(control) {
    const { slowStart } = control
    control.slowStart = (acked) => slowStart(control.ssthresh === 1 << 30 ? acked / 5 : acked)
  },
  'grows in slow start by no more than what is acknowledged'(control) {
    const { slowStart } = control
    control.slowStart = (acked) => slowStart(acked > 0 && acked < control.mss ? control.mss : acked)
  },
  'grows in congestion avoidance': (control) => {
    control.avoid = () => {}
  },
  'grows in congestion avoidance by half of the window in a round trip at most': (control) => {
    control.avoid = (acked) => {
      control.cwnd += acked
    }
  },
  'an ACK never lowers the window'(control) {
    let last = Infinity
    const { onAck } = control
    control.onAck = (sample) => {
      if (sample.now - last > 30_000) control.cwnd = Math.max(control.mss, control.cwnd - control.mss)
      last = sample.now
      onAck(sample)
    }
  },
  'does not grow while something else than the window holds the sender back': (control) => {
    control.onAck = (sample) => control.grow(sample.acked)
  },
  'an ACK of nothing adds nothing'(control) {
    const { slowStart } = control
    control.slowStart = (acked) => slowStart(acked === 0 ? 1 : acked)
  },
  'loss lowers window and threshold': (control) => {
    control.onLoss = (flight) => {
      control.ssthresh = control.half(flight)
    }
  },
  'loss leaves a threshold of two segments': (control) => {
    control.onLoss = (flight) => {
      control.ssthresh = Math.max(Math.floor(flight / 2), control.mss)
      control.cwnd = control.ssthresh
    }
  },
  'marks lower window and threshold, to two segments at least': (control) => {
    control.onCongestion = () => {
      control.ssthresh = Math.max(Math.floor(control.cwnd / 2), control.mss)
      control.cwnd = control.ssthresh
    }
  },
  'to hear of marks changes no window': (control) => {
    control.onMarks = (sample) => {
      control.cwnd = Math.max(control.mss, control.cwnd - sample.marked)
    }
  },
  'recovery ends with the threshold as window at most': (control) => {
    control.onRecovered = (flight) => {
      control.cwnd = Math.max(flight, control.mss) + control.mss
    }
  },
  'a timeout leaves one segment'(control) {
    const { onTimeout } = control
    control.onTimeout = (flight) => {
      onTimeout(flight)
      control.cwnd = 2 * control.mss
    }
  },
  'a timeout lowers the threshold, to two segments at least'(control) {
    const { onTimeout } = control
    control.onTimeout = (flight) => {
      onTimeout(flight)
      control.ssthresh = Math.max(Math.floor(flight / 2), control.mss)
    }
  },
  'slow start begins again after a timeout and gets to the threshold'(control) {
    const { slowStart } = control
    control.slowStart = (acked) => {
      if (!control.afterTimeout) slowStart(acked)
    }
  },
  'slow start after a timeout adds a segment with each ACK at most': (control) => {
    control.slowStart = (acked) => {
      control.cwnd += acked
    }
  },
  'after idleness begins with the initial window at most': (control) => {
    control.onIdle = () => {}
  },
  'idleness does not raise a small window': (control) => {
    control.onIdle = () => {
      control.cwnd = control.initialWindow()
    }
  },
  'idleness leaves the threshold'(control) {
    const { onIdle } = control
    control.onIdle = () => {
      control.ssthresh = Math.max(2 * control.mss, control.ssthresh / 2)
      onIdle()
    }
  },
  'a reduction without cause is taken back': (control) => {
    control.onUndo = () => {
      control.cwnd = Math.max(control.cwnd, control.priorWindow)
      control.afterTimeout = false
    }
  },
  'a lost SYN leaves one segment': (control) => {
    control.onLostSyn = () => {}
  },
  'a larger segment fits into the window': (control) => {
    control.onMss = () => {}
  },
  'a smaller segment does not raise the window'(control) {
    const before = control.mss
    control.onMss = () => {
      control.cwnd = control.mss < before ? control.cwnd + before : Math.max(control.cwnd, control.mss)
    }
  },
  'counts in the segment size of the moment'(control) {
    const { onTimeout, mss } = control
    control.onTimeout = (flight) => {
      onTimeout(flight)
      control.cwnd = mss
    }
  },
  'holds one segment at least, whatever happens': (control) => {
    control.onRecovered = (flight) => {
      control.cwnd = Math.min(control.ssthresh, flight)
    }
  },
  'has finite numbers, whatever happens'(control) {
    const { onAck } = control
    control.onAck = (sample) => {
      onAck(sample)
      if (sample.rtt > 900_000) control.cwnd = NaN
    }
  },
  'is the same each time'(control, shared) {
    // As if a clock of its own had a say.
    const { onRecovered } = control
    control.onRecovered = (flight) => {
      onRecovered(flight)
      if (shared.calls++ % 7 === 6) control.cwnd = Math.max(control.mss, control.cwnd - 1)
    }
  },
  'connections know nothing of each other'(control, shared) {
    // A threshold from the last connection, as some caches of metrics have it.
    if (shared.ssthresh > 0) control.cwnd = control.mss
    const { onLoss } = control
    control.onLoss = (flight) => {
      const isFirst = control.cwnd === control.initialWindow()
      onLoss(flight)
      if (isFirst && flight === 2 * control.mss) shared.ssthresh = control.ssthresh
    }
  },
  'does not keep the sample'(control) {
    const { onAck } = control
    let last: AckSampleLike | null = null
    control.onAck = (sample) => {
      if (last !== null && last.acked > 100_000) control.cwnd += 1
      last = sample
      onAck(sample)
    }
  },
  'does not change the sample'(control) {
    const { onAck } = control
    control.onAck = (sample) => {
      onAck(sample)
      sample.flight -= sample.acked
    }
  },
}
