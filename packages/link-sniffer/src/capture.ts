import type { Nic } from '@stack/core'
import { checkCaptureOptions, Recorder, type Capture, type CaptureOptions } from './recorder.ts'

/**
 * Captures what NICs send and receive, as the wire sees it: link header included, checksums finished. Several NICs
 * become the interfaces of one capture; their stacks must be on one clock. Packets that are looped inside a stack are not
 * on the link and not in the capture.
 *
 * @throws StackError `ERR_STACK_INVALID_OPTION`
 */
export function capture(nics: Nic | readonly Nic[], options: CaptureOptions): Capture {
  checkCaptureOptions('capture()', options)
  const sources = 'tap' in nics ? [nics] : nics
  const recorder = new Recorder(options)
  const [first] = sources
  if (first !== undefined) recorder.start(first.networkInterface.host.clock)
  const removals = sources.map((nic) => {
    const id = recorder.addInterface(options.name ?? nic.name, nic.link.framing)
    return nic.tap((direction, _nicId, _protocol, packet) => {
      recorder.record(id, direction, packet)
    })
  })
  return new NicCapture(recorder, removals)
}

class NicCapture implements Capture {
  private readonly recorder: Recorder
  private readonly removals: readonly (() => void)[]

  constructor(recorder: Recorder, removals: readonly (() => void)[]) {
    this.recorder = recorder
    this.removals = removals
  }

  get packets(): number {
    return this.recorder.packets
  }

  get bytes(): number {
    return this.recorder.bytes
  }

  get dropped(): number {
    return this.recorder.dropped
  }

  stop(): void {
    for (const remove of this.removals) remove()
    this.recorder.wake()
  }
}
