import type { LabCase } from '../case.ts'
import { IPV4, IPV6, type Addresses } from '../addresses.ts'
import { withTestbed, type Testbed, type TestbedOptions } from '../testbed.ts'

/** A testbed, and which of its two families to use. */
export interface Place extends Testbed {
  readonly family: Addresses
  readonly signal: AbortSignal
}

/** Options of {@link everywhere}. */
export interface EverywhereOptions extends Pick<TestbedOptions, 'wrap' | 'offload'> {
  /** ms for each. Default 30,000. */
  readonly limit?: number
  /** Default: both. */
  readonly modes?: readonly TestbedOptions['mode'][]
}

/** The same case over TUN and TAP, with IPv4 and IPv6. */
export function everywhere(name: string, tools: readonly string[], body: (place: Place) => Promise<void>, options: EverywhereOptions = {}): LabCase[] {
  const { limit = 30_000, modes = ['tun', 'tap'], ...bedOptions } = options
  return modes.flatMap((mode) =>
    [IPV4, IPV6].map((family) => ({
      name: `${name}, ${family.name} over ${mode.toUpperCase()}`,
      limit,
      run: (signal: AbortSignal) =>
        withTestbed({ ...bedOptions, mode, tools, signal }, (bed) => body({ ...bed, family, signal })),
    })),
  )
}
