import { createPacketMemory, type Packet } from '@stack/buffer'
import { LinkWrapper, type LinkCapabilities, type LinkEndpoint, type NetworkDispatcher } from '@stack/core'
import { describe, expect, it } from 'vitest'

const calls: string[] = []

/** A link that writes down what is asked of it. */
function device(extra: Partial<LinkEndpoint> = {}): LinkEndpoint {
  return {
    apiVersion: 1, kind: 'device', mtu: 1400, framing: 'ethernet', capabilities: { softwareGso: true }, maxHeaderLength: 14,
    linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1), arpHardwareType: 1, isAttached: false, closed: Promise.resolve(),
    attach: (dispatcher) => void calls.push(dispatcher === null ? 'detach' : 'attach'),
    writePackets: (batch) => batch.length - 1,
    writeRawPacket: () => false,
    close: () => void calls.push('close'),
    ...extra,
  }
}

describe('a link around a link', () => {
  it('is what the inner link is, now', () => {
    let capabilities: LinkCapabilities = { softwareGso: true }
    const inner = device()
    Object.defineProperty(inner, 'capabilities', { get: () => capabilities })
    const wrapper = new LinkWrapper(inner)
    expect(wrapper).toMatchObject({ kind: 'device', mtu: 1400, framing: 'ethernet', maxHeaderLength: 14, arpHardwareType: 1, gsoMaxSize: 65536 })
    expect(wrapper.linkAddress).toBe(inner.linkAddress)
    capabilities = { hardwareGso: true }
    expect(wrapper.capabilities).toBe(capabilities)
    expect([wrapper.writePackets([null as unknown as Packet]), wrapper.writeRawPacket(null as unknown as Packet)]).toEqual([0, false])
  })

  it('has optional members exactly where the inner link has them', () => {
    const optional = ['open', 'addHeader', 'parseHeader', 'setMtu', 'setLinkAddress', 'setPromiscuous'] as const
    const bare = new LinkWrapper(device())
    expect(optional.filter((name) => bare[name] !== undefined)).toEqual([])
    const asked: string[] = []
    const full = new LinkWrapper(device({
      open: () => Promise.resolve(void asked.push('open')),
      addHeader: () => asked.push('addHeader') > 0,
      parseHeader: () => asked.push('parseHeader'),
      setMtu: (mtu) => void asked.push(`setMtu ${mtu}`),
      setLinkAddress: () => void asked.push('setLinkAddress'),
      setPromiscuous: (on) => void asked.push(`setPromiscuous ${on}`),
    }))
    void full.open!()
    full.addHeader!(null as unknown as Packet)
    full.parseHeader!(null as unknown as Packet)
    full.setMtu!(900)
    full.setLinkAddress!(Uint8Array.of())
    full.setPromiscuous!(true)
    expect(asked).toEqual(['open', 'addHeader', 'parseHeader', 'setMtu 900', 'setLinkAddress', 'setPromiscuous true'])
  })

  it('passes on what the inner link says, while a NIC is there', () => {
    const pool = createPacketMemory({ size: 1 << 20 }).pool()
    const told: string[] = []
    const nic: NetworkDispatcher = {
      host: null as never,
      deliverNetworkPacket: (protocol, packet) => {
        told.push(`packet ${protocol}`)
        packet.release()
      },
      deliverLinkPacket: (protocol, packet) => {
        told.push(`link packet ${protocol}`)
        packet.release()
      },
      flush: () => void told.push('flush'),
      writable: () => void told.push('writable'),
      setCarrier: (up) => void told.push(`carrier ${up}`),
    }
    const wrapper = new LinkWrapper(device())
    const say = (): void => {
      wrapper.deliverNetworkPacket(1, pool.allocate(0, 1)!)
      wrapper.deliverLinkPacket(2, pool.allocate(0, 1)!)
      wrapper.flush()
      wrapper.writable()
      wrapper.setCarrier(true)
    }
    say()
    expect(told).toEqual([])
    wrapper.attach(nic)
    expect(wrapper.isAttached).toBe(true)
    say()
    expect(told).toEqual(['packet 1', 'link packet 2', 'flush', 'writable', 'carrier true'])
    wrapper.attach(null)
    say()
    wrapper.close()
    expect(told).toHaveLength(5)
    expect(calls).toEqual(['attach', 'detach', 'close'])
    expect(pool.packets).toBe(0)
  })
})
