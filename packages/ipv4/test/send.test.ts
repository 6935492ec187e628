import { HookPoint } from '@stack/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ipv4 } from '../src/index.ts'
import { bench, OWN, PEER } from './support/bench.ts'
import type { Bench } from './support/bench.ts'
import { checksum, ip, segment, udp } from './support/packets.ts'

describe('sending', () => {
  let b: Bench
  beforeEach(async () => {
    b = await bench()
  })
  afterEach(() => b.end())

  test('the header is pushed and summed [RFC1122-3.2.1.2-checksum]', () => {
    expect(b.stack.probe.send(b.route(PEER), 'hi')).toBeNull()
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 udp 1000 > 53 "hi"'])
  })

  test('parameters are honoured [RFC1122-3.2.1.6-tos, RFC1122-3.4-interface]', () => {
    b.stack.probe.send(b.route(PEER), 'hi', { ttl: 1, tos: 0xb8, dontFragment: true, options: Uint8Array.of(148, 4, 0, 0) })
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 ttl 1 tos 184 DF options [148 4 0 0] udp 1000 > 53 "hi"'])
  })

  test('the default time to live can be changed [RFC1122-3.2.1.7-default, RFC1122-3.2.1.7-ttl]', () => {
    b.stack.ipv4.defaultTtl = 5
    b.stack.probe.send(b.route(PEER), 'hi')
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 ttl 5 udp 1000 > 53 "hi"'])
    expect(() => (b.stack.ipv4.defaultTtl = 0)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_ARGUMENT' }))
  })

  test('RFC 6864: an id only where fragments are allowed, and never the same twice in a row [RFC1122-3.2.1.5-identification]', () => {
    b.stack.probe.send(b.route(PEER), 'hi', { dontFragment: true })
    for (let i = 0; i < 3; i++) b.stack.probe.send(b.route(PEER), 'hi')
    const ids = b.sentBytes().map((bytes) => (bytes[4]! << 8) | bytes[5]!)
    expect(ids[0]).toBe(0)
    expect(new Set(ids.slice(1)).size).toBe(3)
  })

  test('options of a wrong length are refused', () => {
    expect(b.stack.probe.send(b.route(PEER), 'hi', { options: new Uint8Array(3) })).toBe('EINVAL')
    expect(b.stack.probe.send(b.route(PEER), 'hi', { options: new Uint8Array(44) })).toBe('EINVAL')
    expect(b.counted()).toEqual({ dropBadHeader: 2 })
  })

  test('too large for the link: fragments, with the checksum finished before the cut [RFC1122-3.3.3-fragmentation]', () => {
    const data = Uint8Array.from({ length: 4000 }, (_, i) => i)
    expect(b.stack.probe.send(b.route(PEER), data)).toBeNull()
    const packets = b.sentBytes()
    expect(packets.map((bytes) => bytes.length)).toEqual([1500, 1500, 1068])
    expect(new Set(packets.map((bytes) => (bytes[4]! << 8) | bytes[5]!)).size).toBe(1)
    const whole = Uint8Array.from(packets.flatMap((bytes) => [...bytes.subarray(20)]))
    expect(checksum(whole)).toBe(0)
    expect(whole.subarray(8)).toEqual(data)
    for (const bytes of packets) expect(checksum(bytes.subarray(0, 20))).toBe(0)
  })

  test('the first fragment carries all options, the others those with the copied bit', () => {
    b.stack.probe.send(b.route(PEER), new Uint8Array(2000), { options: Uint8Array.of(148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0) })
    expect(b.sent()).toEqual([
      '10.0.0.1 > 10.0.0.2 options [148 4 0 0 7 7 4 0 0 0 0 0] frag 0+1464+',
      '10.0.0.1 > 10.0.0.2 options [148 4 0 0] frag 1464+544',
    ])
  })

  test('too large with DF, or for any datagram, is the sender’s failure [RFC1122-3.3.3-fragmentation]', () => {
    expect(b.stack.probe.send(b.route(PEER), new Uint8Array(1473), { dontFragment: true })).toBe('EMSGSIZE')
    expect(b.stack.probe.send(b.route(PEER), new Uint8Array(65508))).toBe('EMSGSIZE')
    expect(b.sent()).toEqual([])
    expect(b.counted()).toEqual({ dropTooLarge: 2 })
    expect(b.stack.probe.send(b.route(PEER), new Uint8Array(65507))).toBeNull()
    expect(b.sent().length).toBe(45)
  })

  test('what is sent to oneself comes in again', () => {
    b.stack.probe.listen(53)
    b.stack.probe.send(b.route(OWN), 'me')
    expect(b.sent()).toEqual([])
    expect(b.stack.probe.received).toEqual(['10.0.0.1 > 10.0.0.1:53 "me"'])
  })

  test('127/8 stays inside, as a destination and as a source [RFC1122-3.2.1.3-loopback]', async () => {
    const other = await bench({}, { gateway: PEER })
    other.stack.probe.listen(53)
    other.stack.probe.send(other.route('127.0.0.1'), 'me')
    expect(other.stack.probe.received).toEqual(['127.0.0.1 > 127.0.0.1:53 "me"'])
    for (const destination of [PEER, '192.0.2.1', '10.0.0.255', '255.255.255.255', '224.0.0.1']) {
      expect(() => other.route(destination, '127.0.0.1')).toThrow('EADDRNOTAVAIL')
    }
    expect(other.sent()).toEqual([])
    other.end()
  })

  test('so do fragments of it', () => {
    b.stack.probe.listen(53)
    const other = b.route(OWN)
    b.stack.probe.send({ ...other, mtu: 576 }, new Uint8Array(2000))
    expect(b.stack.probe.received).toEqual(['10.0.0.1 > 10.0.0.1:53 2000 bytes'])
  })

  test('a broadcast goes out and comes in [RFC1122-3.3.6-broadcast]', () => {
    b.stack.probe.listen(53)
    b.stack.probe.send(b.route('10.0.0.255'), 'all')
    expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.255 udp 1000 > 53 "all"'])
    expect(b.stack.probe.received).toEqual(['10.0.0.1 > 10.0.0.255:53 "all"'])
  })

  describe('with the header included', () => {
    test('source, id, length and checksum are filled in', () => {
      const bytes = ip('0.0.0.0', PEER, 17, segment(1, 2, 'raw'), { ttl: 9, length: 0 })
      expect(b.stack.probe.sendRaw(b.route(PEER), bytes)).toBeNull()
      const [sent] = b.sentBytes()
      expect(checksum(sent!.subarray(0, 20))).toBe(0)
      expect([...sent!.subarray(2, 4)]).toEqual([0, 31])
      expect((sent![4]! << 8) | sent![5]!).not.toBe(0)
      expect([...sent!.subarray(12, 16)]).toEqual([10, 0, 0, 1])
    })

    test('what is given stays', () => {
      b.stack.probe.sendRaw(b.route(PEER), ip('192.0.2.1', PEER, 17, segment(1, 2, 'raw'), { id: 77 }))
      expect(b.sentBytes()[0]!.slice(0, 20)).toEqual(ip('192.0.2.1', PEER, 17, segment(1, 2, 'raw'), { id: 77 }).slice(0, 20))
    })

    test('a broken header is refused', () => {
      expect(b.stack.probe.sendRaw(b.route(PEER), new Uint8Array(19))).toBe('EINVAL')
      expect(b.stack.probe.sendRaw(b.route(PEER), new Uint8Array(40))).toBe('EINVAL')
      expect(b.stack.probe.sendRaw(b.route(PEER), Uint8Array.from(ip(OWN, PEER, 17, new Uint8Array(1)), (byte, i) => (i === 0 ? 0x4f : byte)))).toBe('EINVAL')
      expect(b.stack.probe.sendRaw(b.route(PEER), ip(OWN, PEER, 17, new Uint8Array(1481)))).toBe('EMSGSIZE')
      expect(b.sent()).toEqual([])
    })
  })

  describe('hooks', () => {
    test('see a packet at each point of its way', () => {
      const seen: string[] = []
      for (const [name, point] of Object.entries(HookPoint)) {
        b.stack.hooks.add(point, (packet, context) => {
          seen.push(`${name} ${context.inputNic}>${context.outputNic} ${packet.view.getUint8(packet.networkHeader + 19)}`)
          return 'accept'
        })
      }
      b.receive(udp(PEER, OWN, 7, 'x'))
      b.stack.probe.send(b.route(PEER), 'y')
      const id = b.nic.id
      expect(seen).toEqual([`Prerouting ${id}>0 1`, `Input ${id}>0 1`, `Output 0>${id} 2`, `Postrouting 0>${id} 2`])
      b.sent()
    })

    test('may drop [RFC1812-5.3.9-filter]', () => {
      for (const point of [HookPoint.Prerouting, HookPoint.Output]) b.stack.hooks.add(point, () => ({ action: 'drop', reason: 'test' }))
      b.receive(udp(PEER, OWN, 7, 'x'))
      expect(b.stack.probe.send(b.route(PEER), 'y')).toBeNull()
      expect(b.stack.probe.received).toEqual([])
      expect(b.sent()).toEqual([])
      expect(b.nic.statistics.dropHook).toBe(2)
      expect(b.stack.statistics().protocols['hooks']).toEqual({ test: 2 })
    })

    test('may take a packet and give it back later', async () => {
      for (const point of Object.values(HookPoint)) {
        b.stack.hooks.add(point, (packet) => {
          setTimeoutOn(b, () => b.stack.hooks.reinject(packet))
          return 'steal'
        })
      }
      b.receive(udp(PEER, OWN, 7, 'x'))
      b.stack.probe.send(b.route(PEER), 'y')
      expect(b.stack.probe.received).toEqual([])
      await b.clock.advance(1000)
      expect(b.stack.probe.received).toEqual(['10.0.0.2 > 10.0.0.1:7 "x"'])
      expect(b.sent()).toEqual(['10.0.0.1 > 10.0.0.2 udp 1000 > 53 "y"'])
    })

    test('a packet that waited and does not fit any more: its sender hears of it', async () => {
      b.stack.probe.listen(1000)
      b.stack.hooks.add(HookPoint.Output, (packet) => {
        setTimeoutOn(b, () => b.stack.hooks.reinject(packet))
        return 'steal'
      })
      b.stack.probe.send(b.route(PEER), new Uint8Array(1000), { dontFragment: true })
      b.nic.setMtu(576)
      await b.clock.advance(1000)
      expect(b.stack.probe.errors).toEqual(['local packetTooBig 576 :1000 > :53'])
      expect(b.sent()).toEqual([])
    })

    test('may send a packet another way', async () => {
      const second = await b.addNic({}, { addresses: ['10.0.1.1/24'] })
      b.stack.hooks.add(HookPoint.Output, (packet) => {
        const at = packet.networkHeader
        // 10.0.0.2 → 10.0.1.2, checksum mended.
        packet.view.setUint16(at + 18, 0x0102)
        packet.view.setUint16(at + 10, packet.view.getUint16(at + 10) - 0x100)
        return 'reroute'
      })
      b.stack.probe.send(b.route(PEER), 'y')
      expect(b.sent()).toEqual([])
      expect(b.sent(second.link)).toEqual(['10.0.0.1 > 10.0.1.2 udp 1000 > 53 "y"'])
    })
  })
})

function setTimeoutOn(b: Bench, task: () => void): void {
  b.nic.networkInterface.host.timers.create(task).armAfter(100)
}

describe('options', () => {
  test.each([
    [{ defaultTtl: 0 }], [{ defaultTtl: 256 }], [{ ttl: 3 }], [{ forwarding: 1 }], [{ icmpRateLimit: -1 }], [{ reassembly: { timeout: 0 } }], [{ reassembly: { size: 1 } }],
  ])('%o is an error', (options) => {
    expect(() => ipv4(options as object)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }))
  })
})
