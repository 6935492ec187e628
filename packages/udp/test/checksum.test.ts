import { describe, expect, it } from 'vitest'
import { readUdpHeader } from '../src/wire.ts'
import { ample, bytes, text, wire } from './support/bench.ts'
import { FAMILIES, IPV4, IPV6 } from './support/families.ts'
import { bytesOf, checksum, datagram, ip, pseudoHeader } from './support/packets.ts'

describe.each(FAMILIES)('$name', (family) => {
  const headerLength = family === IPV4 ? 20 : 40

  it('every datagram leaves with a right checksum, whatever its length [RFC768-fields, RFC1122-4.1.3.4-checksum, RFC8200-8.1-checksum]', async () => {
    const { stack, sent, clock, end } = await wire({}, { memory: ample() })
    const socket = stack.udp.bind({ port: 4000 })
    for (let length = 0; length < 70; length++) socket.send(new Uint8Array(length).fill(0xa5), { host: family.peer, port: 9 })
    await clock.settle()
    const packets = sent()
    expect(packets).toHaveLength(70)
    for (const [length, packet] of packets.entries()) {
      const udp = packet.subarray(headerLength)
      expect(readUdpHeader(udp)).toMatchObject({ sourcePort: 4000, destinationPort: 9, length: 8 + length })
      expect(checksum(pseudoHeader(family.us, family.peer, 17, udp.length), udp)).toBe(0)
    }
    end()
  })

  // RFC 768: zero on the wire means "none", so a sum of zero travels as its other form.
  it('a checksum that comes out as zero is sent as 0xffff [RFC768-checksum-zero]', async () => {
    const { stack, sent, inject, clock, end } = await wire()
    const socket = stack.udp.bind({ port: 4000 })
    // Two bytes of payload that make the sum of everything else 0xffff.
    const zero = bytesOf([0x0f, 0xa0, 0, 9, 0, 10, 0, 0, 0, 0])
    const rest = checksum(pseudoHeader(family.us, family.peer, 17, 10), zero)
    socket.send(Uint8Array.of(rest >> 8, rest & 255), { host: family.peer, port: 9 })
    await clock.settle()
    const [packet] = sent()
    expect(readUdpHeader(packet!.subarray(headerLength))!.checksum).toBe(0xffff)
    // And the other way round: it is a right checksum.
    await inject(datagram([family.peer, 9], [family.us, 4000], packet!.subarray(headerLength + 8)))
    expect(socket.tryReceive()?.data).toEqual(Uint8Array.of(rest >> 8, rest & 255))
    end()
  })

  it('a wrong checksum is counted, and answered by nobody [RFC768-checksum, RFC1122-4.1.3.4-checksum]', async () => {
    const { stack, inject, trace, counters, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram([family.peer, 1], [family.us, 7], 'spoilt', { checksum: 0x1234 }))
    // Nobody listens there, but who has sent it is not sure either.
    await inject(datagram([family.peer, 1], [family.us, 8], 'spoilt', { checksum: 0x1234 }))
    expect(socket.tryReceive()).toBeUndefined()
    expect(counters()['dropChecksum']).toBe(2)
    expect(trace()).toEqual([])
    await inject(datagram([family.peer, 1], [family.us, 8], 'sound'))
    expect(trace()).toEqual([family === IPV4 ? 'icmp 3/3' : 'icmp 1/4'])
    end()
  })

  it('bytes behind the UDP length are not data [RFC768-fields]', async () => {
    const { stack, inject, counters, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    const inner = datagram([family.peer, 1], [family.us, 7], 'data').subarray(headerLength)
    await inject(ip(family.peer, family.us, 17, bytesOf(inner, 'padding')))
    expect(text(socket.tryReceive())).toBe('data')
    expect(counters()).toMatchObject({ received: 1, bytesReceived: 4 })
    end()
  })

  it.each([0, 7, 13, 65535])('a length field of %i lies: counted, unanswered [RFC768-length]', async (length) => {
    const { stack, inject, trace, counters, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram([family.peer, 1], [family.us, 7], 'four', { length }))
    await inject(datagram([family.peer, 1], [family.us, 8], 'four', { length }))
    expect(socket.tryReceive()).toBeUndefined()
    expect(counters()).toMatchObject({ received: 0, dropMalformed: 2 })
    expect(trace()).toEqual([])
    end()
  })

  it.each([0, 1, 7])('a header of %i bytes is too short: counted by the stack [RFC768-length]', async (length) => {
    const { stack, inject, end } = await wire()
    await inject(ip(family.peer, family.us, 17, new Uint8Array(length)))
    expect(stack.statistics().protocols['transport']).toMatchObject({ dropTooShort: 1 })
    end()
  })

  it('a datagram without data is a datagram', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.bind({ port: 7 })
    await inject(datagram([family.peer, 0], [family.us, 7], ''))
    const received = socket.tryReceive()!
    expect(received.data).toHaveLength(0)
    // RFC 768: a source port of zero means that no answer is expected.
    expect(received.remote.port).toBe(0)
    expect(() => socket.send(bytes('x'), received.remote)).toThrow(expect.objectContaining({ code: 'EINVAL' }) as Error)
    end()
  })
})

it('no checksum is fine over IPv4 and refused over IPv6 [RFC768-no-checksum, RFC8200-8.1-checksum]', async () => {
  const { stack, inject, counters, end } = await wire()
  const socket = stack.udp.bind({ port: 7 })
  await inject(datagram([IPV4.peer, 1], [IPV4.us, 7], 'unsummed', { checksum: 0 }))
  expect(text(socket.tryReceive())).toBe('unsummed')
  await inject(datagram([IPV6.peer, 1], [IPV6.us, 7], 'unsummed', { checksum: 0 }))
  expect(socket.tryReceive()).toBeUndefined()
  expect(counters()['dropChecksum']).toBe(1)
  end()
})
