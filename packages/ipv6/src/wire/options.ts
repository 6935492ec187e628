import { extensionLength } from './header.ts'

/** Option types of hop-by-hop and destination options headers. */
export const OptionType = { Pad1: 0, PadN: 1, RouterAlert: 5 } as const

/** What to do with a packet after its options were read. */
export const OptionAction = {
  /** Go on. */
  Accept: 0,
  /** Drop without a word. */
  Discard: 1,
  /** Drop and answer Parameter Problem, code 2, whatever the destination was. */
  Report: 2,
  /** The same, unless the destination was a multicast address. */
  ReportUnicast: 3,
  /** An option or the header itself is malformed: Parameter Problem, code 0. */
  Malformed: 4,
} as const
/** One of the values of {@link OptionAction}. */
export type OptionAction = (typeof OptionAction)[keyof typeof OptionAction]

/** The answer of {@link readOptions}. Kept by the caller and overwritten. */
export interface OptionsResult {
  action: OptionAction
  /** Offset (in the view) of the byte that is wrong; meaningful unless accepted. */
  pointer: number
  /** A router alert was there (RFC 2711). */
  routerAlert: boolean
}

/**
 * Reads the options of the hop-by-hop or destination options header at `o` (RFC 8200 §4.2). The caller has checked that
 * the whole header is there.
 */
export function readOptions(view: DataView, o: number, result: OptionsResult): void {
  const end = o + extensionLength(view, o)
  result.action = OptionAction.Accept
  result.routerAlert = false
  let at = o + 2
  while (at < end) {
    const type = view.getUint8(at)
    if (type === OptionType.Pad1) {
      at += 1
      continue
    }
    // The data of an option never runs past its header.
    if (at + 2 > end || at + 2 + view.getUint8(at + 1) > end) {
      result.action = OptionAction.Malformed
      result.pointer = Math.min(at + 1, end - 1)
      return
    }
    if (type === OptionType.RouterAlert) {
      // RFC 2711 §2.1: the value has two bytes, and there is one such option at most.
      if (view.getUint8(at + 1) !== 2 || result.routerAlert) {
        result.action = OptionAction.Malformed
        result.pointer = result.routerAlert ? at : at + 1
        return
      }
      result.routerAlert = true
    } else if (type !== OptionType.PadN && type >>> 6 !== 0) {
      // RFC 8200 §4.2: the two highest bits of an unknown type say what becomes of the packet.
      result.action = (type >>> 6) as OptionAction
      result.pointer = at
      return
    }
    at += 2 + view.getUint8(at + 1)
  }
}
