// RFC 791 §3.1, RFC 7126

/** Option types, with their copied bit and class. */
export const OptionType = {
  End: 0,
  NoOperation: 1,
  RecordRoute: 7,
  Timestamp: 68,
  LooseSourceRoute: 131,
  StrictSourceRoute: 137,
  RouterAlert: 148,
} as const

/** In every fragment, not only in the first. */
const COPIED = 0x80

/** Timestamp option: what is recorded. */
const TIMESTAMP_ONLY = 0
const TIMESTAMP_ADDRESS = 1
const TIMESTAMP_PRESPECIFIED = 3

/** What {@link inspectOptions} found. */
export interface OptionsFound {
  sourceRoute: boolean
  routerAlert: boolean
  /** There is a record route or timestamp option, which hosts on the way fill in. */
  recording: boolean
}

export function optionsFound(): OptionsFound {
  return { sourceRoute: false, routerAlert: false, recording: false }
}

/**
 * Walks the option bytes `[at, end)` and checks every length and pointer.
 *
 * @returns -1, or the slot offset of the octet that is wrong, for a parameter problem (RFC 1122 §3.2.1.8)
 */
export function inspectOptions(view: DataView, at: number, end: number, into: OptionsFound): number {
  into.sourceRoute = into.routerAlert = into.recording = false
  while (at < end) {
    const type = view.getUint8(at)
    if (type === OptionType.End) return -1
    if (type === OptionType.NoOperation) {
      at++
      continue
    }
    const length = optionLength(view, at, end)
    if (length < 2) return at + 1 < end ? at + 1 : at
    switch (type) {
      case OptionType.LooseSourceRoute:
      case OptionType.StrictSourceRoute:
        into.sourceRoute = true
        break
      case OptionType.RecordRoute: {
        if (length < 3) return at + 1
        const pointer = view.getUint8(at + 2)
        // Octet 4 is the first of the route data; addresses are whole.
        if (pointer < 4 || (pointer & 3) !== 0) return at + 2
        into.recording = true
        break
      }
      case OptionType.Timestamp: {
        if (length < 4) return at + 1
        const flag = view.getUint8(at + 3) & 0xf
        if (flag !== TIMESTAMP_ONLY && flag !== TIMESTAMP_ADDRESS && flag !== TIMESTAMP_PRESPECIFIED) return at + 3
        const pointer = view.getUint8(at + 2)
        if (pointer < 5 || (pointer & 3) !== 1) return at + 2
        into.recording = true
        break
      }
      case OptionType.RouterAlert:
        // RFC 2113 §2.1: always 4 octets.
        if (length !== 4) return at + 1
        into.routerAlert = true
        break
    }
    at += length
  }
  return -1
}

/** Length of the option at `at`, 0 when it lies. */
function optionLength(view: DataView, at: number, end: number): number {
  if (at + 2 > end) return 0
  const length = view.getUint8(at + 1)
  return length < 2 || at + length > end ? 0 : length
}

/**
 * Fills in record route and timestamp options, as every host on the way does (RFC 791 §3.1). The options have passed
 * {@link inspectOptions}; the header checksum is the caller's to mend.
 *
 * @param address own address, as int32
 * @param time ms since midnight UT
 * @returns true when bytes changed
 */
export function stampOptions(view: DataView, at: number, end: number, address: number, time: number): boolean {
  let changed = false
  while (at < end) {
    const type = view.getUint8(at)
    if (type === OptionType.End) break
    if (type === OptionType.NoOperation) {
      at++
      continue
    }
    const length = optionLength(view, at, end)
    if (length === 0) break
    if (type === OptionType.RecordRoute) changed = recordRoute(view, at, length, address) || changed
    else if (type === OptionType.Timestamp) changed = recordTime(view, at, length, address, time) || changed
    at += length
  }
  return changed
}

function recordRoute(view: DataView, at: number, length: number, address: number): boolean {
  const pointer = view.getUint8(at + 2)
  if (pointer + 3 > length) return false
  view.setInt32(at + pointer - 1, address)
  view.setUint8(at + 2, pointer + 4)
  return true
}

function recordTime(view: DataView, at: number, length: number, address: number, time: number): boolean {
  const pointer = view.getUint8(at + 2)
  const overflowFlag = view.getUint8(at + 3)
  const flag = overflowFlag & 0xf
  const size = flag === TIMESTAMP_ONLY ? 4 : 8
  if (pointer + size - 1 > length) {
    // Full: count those who had no room, up to 15. Prespecified hosts all had theirs.
    if (flag === TIMESTAMP_PRESPECIFIED || overflowFlag >> 4 === 15) return false
    view.setUint8(at + 3, overflowFlag + 0x10)
    return true
  }
  const slot = at + pointer - 1
  if (flag === TIMESTAMP_PRESPECIFIED && view.getInt32(slot) !== address) return false
  if (flag === TIMESTAMP_ADDRESS) view.setInt32(slot, address)
  view.setUint32(slot + size - 4, time)
  view.setUint8(at + 2, pointer + size)
  return true
}

/**
 * Copies the options that every fragment carries (RFC 791 §3.1 "copied flag"), padded to 4 bytes.
 *
 * @returns bytes written
 */
export function copyFragmentOptions(view: DataView, at: number, end: number, target: Uint8Array): number {
  return copyOptions(view, at, end, target, isCopied)
}

/**
 * Copies the options that an echo reply returns: record route and timestamp (RFC 1122 §3.2.2.6), padded to 4 bytes.
 *
 * @returns bytes written
 */
export function copyReplyOptions(view: DataView, at: number, end: number, target: Uint8Array): number {
  return copyOptions(view, at, end, target, isReturned)
}

function copyOptions(view: DataView, at: number, end: number, target: Uint8Array, wanted: (type: number) => boolean): number {
  let written = 0
  while (at < end) {
    const type = view.getUint8(at)
    if (type === OptionType.End) break
    const length = type === OptionType.NoOperation ? 1 : optionLength(view, at, end)
    if (length === 0) break
    if (type !== OptionType.NoOperation && wanted(type)) {
      for (let i = 0; i < length; i++) target[written++] = view.getUint8(at + i)
    }
    at += length
  }
  while ((written & 3) !== 0) target[written++] = OptionType.End
  return written
}

function isCopied(type: number): boolean {
  return (type & COPIED) !== 0
}

function isReturned(type: number): boolean {
  return type === OptionType.RecordRoute || type === OptionType.Timestamp
}
