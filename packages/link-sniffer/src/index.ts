/**
 * Packet capture: pcapng for Wireshark and tshark, or a line of text for each packet. `capture` taps a NIC and costs
 * nothing once stopped; `sniffer` wraps a link that has no stack above it.
 *
 * @example
 * ```ts
 * import { createStack } from '@stack/core'
 * import { ipv4 } from '@stack/ipv4'
 * import { capture } from '@stack/link-sniffer'
 * import { pipe } from '@stack/link-pipe'
 *
 * const [left, right] = pipe()
 * const stack = createStack({ plugins: [ipv4()] })
 * const nic = await stack.addNic(left, { addresses: ['10.0.0.1/24'] })
 * const watching = capture(nic, { onLine: (line) => console.log(line) })
 * // … packets …
 * watching.stop()
 * stack.destroy()
 * right.close()
 * ```
 *
 * @packageDocumentation
 */
export { capture } from './capture.ts'
export type { Capture, CaptureOptions } from './recorder.ts'
export { sniffer, type SnifferLink } from './sniffer.ts'
export { describePacket } from './text/describe.ts'
