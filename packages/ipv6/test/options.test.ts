import { describe, expect, it } from 'vitest'
import { ipv6 } from '../src/index.ts'
import type { Ipv6Options } from '../src/index.ts'
import { bench } from './support/bench.ts'
import { ping } from './support/packets.ts'

describe('options', () => {
  it.each([
    { hopLimit: 64 },
    { defaultHopLimit: 0 },
    { defaultHopLimit: 256 },
    { forwarding: 'yes' },
    { linkLocal: true },
    { linkLocal: 'random' },
    { secret: Uint8Array.of(1, 2, 3) },
    { secret: 'secret' },
    { duplicateAddressDetectTransmits: -1 },
    { icmpErrors: { perSecond: 5 } },
    { reassembly: { timeout: 0 } },
  ])('%j is refused', (options) => {
    expect(() => ipv6(options as Ipv6Options)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }))
  })

  it('show in the API of the stack', async () => {
    const b = await bench({ options: { linkLocal: false, defaultHopLimit: 12, forwarding: true } })
    expect(b.ipv6.defaultHopLimit).toBe(12)
    expect(b.ipv6.forwarding).toBe(true)
    b.end()
  })

  it('statistics add up over NICs, those that are gone included', async () => {
    const b = await bench({ nic: { addresses: ['2001:db8::1/64'] } })
    const other = await b.addNic({}, { addresses: ['2001:db8:1::1/64'] })
    b.send(ping('2001:db8::2', '2001:db8::1', 'x'))
    other.link.inject(ping('2001:db8:1::2', '2001:db8:1::1', 'y'))
    expect(b.ipv6.statistics.echoRequestsReceived).toBe(2)
    await other.nic.remove()
    expect(b.ipv6.statistics.echoRequestsReceived).toBe(2)
    b.end()
  })
})
