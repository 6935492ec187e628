import { createPacketMemory, type Packet, type PacketPool } from '@stack/buffer'
import { isStackError } from '@stack/core'
import { manualClock } from '@stack/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { tun, type TunOptions } from '../src/index.ts'
import { createTun } from '../src/tun.ts'
import { FakeNic, hex } from './fake-nic.ts'
import { FakeSystem } from './fake-system.ts'

const memory = createPacketMemory({ size: 4 << 20 })
let pool: PacketPool
let system: FakeSystem
const clock = manualClock()

beforeEach(() => {
  pool = memory.pool()
  system = new FakeSystem(memory)
  return () => {
    expect(pool.packets).toBe(0)
    expect([...system.openDescriptors]).toEqual([])
  }
})

function packetOf(...bytes: number[]): Packet {
  const packet = pool.allocate(20, bytes.length)!
  packet.append(Uint8Array.from(bytes), 0, bytes.length)
  return packet
}

async function open(options: TunOptions = {}) {
  const link = createTun(options, () => Promise.resolve(system))
  await link.open()
  const nic = new FakeNic(clock, pool)
  link.attach(nic)
  return { link, nic }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no error', (error: unknown) => (isStackError(error) ? `${error.code} ${error.message}` : String(error)))
}

describe('options', () => {
  const refused: [string, object][] = [
    ['unknown', { nmae: 'tun0' }],
    ['name too long', { name: 'abcdefghijklmnop' }],
    ['name with a slash', { name: 'a/b' }],
    ['empty name', { name: '' }],
    ['name ..', { name: '..' }],
    ['name with a zero', { name: 'a\0b' }],
    ['mode', { mode: 'bridge' }],
    ['mtu too small', { mtu: 67 }],
    ['mtu too large', { mtu: 65536 }],
    ['mtu not whole', { mtu: 1500.5 }],
    ['link address without TAP', { linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1) }],
    ['link address too short', { mode: 'tap', linkAddress: Uint8Array.of(2, 0, 0, 0, 0) }],
    ['link address of a group', { mode: 'tap', linkAddress: Uint8Array.of(3, 0, 0, 0, 0, 1) }],
  ]
  it.each(refused)('refuses: %s', (_what, options) => {
    expect(() => tun(options)).toThrow(expect.objectContaining({ code: 'ERR_STACK_INVALID_OPTION' }))
  })

  it('a link tells what it is before it is open', () => {
    expect(tun()).toMatchObject({ kind: 'tun', framing: 'ip', mtu: 1500, maxHeaderLength: 10, linkAddress: null, arpHardwareType: 0xffff, capabilities: { resolutionRequired: false } })
    expect(tun({ mode: 'tap', name: 'tap7' })).toMatchObject({ kind: 'tap', name: 'tap7', framing: 'ethernet', maxHeaderLength: 24, arpHardwareType: 1, capabilities: { resolutionRequired: true } })
  })
})

describe('open', () => {
  it('takes the name and the MTU that the kernel gives', async () => {
    system.deviceMtu = 1420
    const { link } = await open()
    expect(link).toMatchObject({ name: 'tun0', mtu: 1420 })
    expect(system.calls).toEqual(['open /dev/net/tun', 'TUNSETIFF tun%d 5001', 'TUNSETVNETHDRSZ 10', 'TUNSETVNETLE 1', 'TUNSETOFFLOAD 6f'])
    link.close()
  })

  it('asks for what the options say', async () => {
    const { link } = await open({ mode: 'tap', name: 'lab', mtu: 9000, persist: true, offload: false })
    expect(link).toMatchObject({ name: 'lab', mtu: 9000 })
    expect(system.calls).toEqual(['open /dev/net/tun', 'TUNSETIFF lab 1002', 'TUNSETOFFLOAD 0', 'TUNSETPERSIST 1', 'SIOCSIFMTU lab 9000'])
    link.close()
  })

  it('leaves an MTU alone that is right', async () => {
    const { link } = await open({ mtu: 1500 })
    expect(system.calls.filter((call) => call.startsWith('SIOCSIFMTU'))).toEqual([])
    link.close()
  })

  const failures: [string, FakeSystem['failures'], TunOptions, RegExp][] = [
    ['no driver', { open: 2 }, {}, /^ENODEV .*modprobe tun/],
    ['a device node without a driver', { open: 19 }, {}, /^ENODEV /],
    ['no right to the device node', { open: 13 }, {}, /^EACCES .*\/dev\/net\/tun/],
    ['no right to make a device', { setInterface: 1 }, {}, /^EACCES .*CAP_NET_ADMIN.*sudo ip tuntap add/],
    ['a device that is in use', { setInterface: 16 }, {}, /^ERR_STACK_BUSY /],
    ['a device of the other mode', { setInterface: 22 }, {}, /^EINVAL .*mode/],
    ['no right to persist', { setPersist: 1 }, { persist: false }, /^EACCES /],
    ['no right to change the MTU', { setMtu: 1 }, { mtu: 9000 }, /^EACCES .*ip link set dev/],
    ['an MTU that the device does not do', { setMtu: 22 }, { mode: 'tap', mtu: 65535 }, /^EINVAL .*errno 22/],
    ['no socket', { socket: 97 }, {}, /^EINVAL .*errno 97/],
    ['no MTU', { getMtu: 19 }, {}, /^EINVAL .*errno 19/],
  ]
  it.each(failures)('says what is wrong, and closes what it opened: %s', async (_what, failing, options, message) => {
    Object.assign(system.failures, failing)
    const link = createTun(options, () => Promise.resolve(system))
    expect(await codeOf(link.open())).toMatch(message)
    expect([...system.openDescriptors]).toEqual([])
    link.close()
  })

  it('may be tried again after a failure, and is done once', async () => {
    system.failures.open = 13
    const link = createTun({}, () => Promise.resolve(system))
    expect(await codeOf(link.open())).toMatch(/^EACCES/)
    delete system.failures.open
    await Promise.all([link.open(), link.open()])
    await link.open()
    expect(system.calls.filter((call) => call.startsWith('TUNSETIFF'))).toHaveLength(1)
    link.close()
  })

  it('ends with the reason of its signal', async () => {
    const link = createTun({}, () => Promise.resolve(system))
    await expect(link.open(AbortSignal.abort('enough'))).rejects.toBe('enough')
  })

  it('passes on why the system cannot be called', async () => {
    const link = createTun({}, () => Promise.reject(new Error('no koffi')))
    await expect(link.open()).rejects.toThrow('no koffi')
  })

  it('opens nothing when it was closed meanwhile, or before', async () => {
    const link = createTun({}, () => Promise.resolve(system))
    const opening = link.open()
    link.close()
    expect(await codeOf(opening)).toMatch(/^ERR_STACK_CLOSED/)
    expect(await codeOf(link.open())).toMatch(/^ERR_STACK_CLOSED/)
    expect(system.calls).toEqual([])
    await link.closed
  })
})

describe.each([true, false])('receiving, offload %s', (offload) => {
  const attached = (options: TunOptions = {}) => open({ offload, ...options })

  it('TUN: one batch, the protocol by the version', async () => {
    const { link, nic } = await attached()
    expect(system.waitsFor).toEqual({ readable: true, writable: false })
    system.receive(Uint8Array.of(0x45, 1), Uint8Array.of(0x60, 2), Uint8Array.of(0x10, 3))
    system.fire()
    expect(nic.log).toEqual(['800 4501', '86dd 6002', 'flush'])
    expect(link.statistics.rxDropUnknownProtocol).toBe(1)
    link.close()
  })

  it('TAP: whole frames as protocol 0, the network header behind them aligned', async () => {
    const { link, nic } = await attached({ mode: 'tap' })
    nic.onPacket = (packet) => expect((packet.start + 14) % 4).toBe(0)
    system.receive(Uint8Array.of(0x45, 1))
    system.fire()
    expect(nic.log).toEqual(['0 4501', 'flush'])
    link.close()
  })

  it('says nothing when nothing was there', async () => {
    const { link, nic } = await attached()
    system.fire()
    expect(nic.log).toEqual([])
    link.close()
  })

  it('64 packets a batch, more in the next', async () => {
    const { link, nic } = await attached()
    for (let i = 0; i < 150; i++) system.receive(Uint8Array.of(0x45))
    system.fire()
    const flushes = nic.log.flatMap((line, index) => (line === 'flush' ? [index] : []))
    expect(flushes).toEqual([64, 129, 152])
    link.close()
  })

  it('a packet as large as the MTU comes in, one that may have been cut does not', async () => {
    const { link, nic } = await attached({ mtu: 1500 })
    const largest = new Uint8Array(1500).fill(0x45)
    system.receive(largest, new Uint8Array(3000).fill(0x45), Uint8Array.of(0x45))
    system.fire()
    expect(nic.log).toEqual([`800 ${hex(largest)}`, '800 45', 'flush'])
    expect(link.statistics.rxDropTooLarge).toBe(1)
    link.close()
  })

  it('a signal that interrupts a read changes nothing', async () => {
    const { link, nic } = await attached()
    system.receive(4, Uint8Array.of(0x45))
    system.fire()
    expect(nic.log).toEqual(['800 45', 'flush'])
    link.close()
  })

  it('without memory packets are taken and counted, so that the device does not stay readable', async () => {
    pool = memory.pool({ slots: 1 })
    const held = pool.allocate(0, 10)!
    const { link, nic } = await attached()
    system.receive(Uint8Array.of(0x45), Uint8Array.of(0x45))
    system.fire()
    expect(link.statistics.rxDropNoMemory).toBe(2)
    expect(system.incoming).toEqual([])
    held.release()
    system.receive(Uint8Array.of(0x45))
    system.fire()
    expect(nic.log.filter((line) => line !== 'flush')).toEqual(['800 45'])
    link.close()
  })

  it('stops in the middle of a batch when the NIC goes', async () => {
    const { link, nic } = await attached()
    nic.onPacket = () => link.close()
    system.receive(Uint8Array.of(0x45), Uint8Array.of(0x45))
    system.fire()
    expect(nic.log).toEqual(['800 45'])
    expect(system.incoming).toHaveLength(1)
  })

  it('a device that is gone: no carrier, and no more waiting for it', async () => {
    const { link, nic } = await attached()
    system.receive(Uint8Array.of(0x45), 77)
    system.fire()
    expect(nic.log).toEqual(['800 45', expect.stringMatching(/^warn tun: the device tun0 .*errno 77/), 'carrier down', 'flush'])
    expect(system.waitsFor).toEqual({ readable: false, writable: false })
    link.close()
  })

  it('a detached link sleeps', async () => {
    const { link, nic } = await attached()
    link.attach(null)
    expect(link.isAttached).toBe(false)
    expect(system.waitsFor).toEqual({ readable: false, writable: false })
    system.receive(Uint8Array.of(0x45))
    system.fire()
    expect(nic.log).toEqual([])
    link.close()
  })
})

describe.each([true, false])('sending, offload %s', (offload) => {
  const attached = (options: TunOptions = {}) => open({ offload, ...options })

  it('writes each packet of a batch and releases it', async () => {
    const { link } = await attached()
    expect(link.writePackets([packetOf(0x45, 1), packetOf(0x45, 2)])).toBe(2)
    expect(link.writeRawPacket(packetOf(0x45, 3))).toBe(true)
    expect(system.written.map(hex)).toEqual(['4501', '4502', '4503'])
    link.close()
  })

  it('finds packets of another memory', async () => {
    const other = createPacketMemory({ size: 1 << 20 })
    const { link } = await attached()
    const arenas: string[] = []
    system.addressOf = (bytes) => {
      arenas.push(bytes === other.bytes ? 'other' : bytes === memory.bytes ? 'own' : 'unknown')
      return 0
    }
    const foreign = other.pool().allocate(0, 1)!
    link.writePackets([foreign, packetOf(0x45)])
    expect(arenas).toEqual(['other', 'own'])
    link.close()
  })

  it('a full device: the rest stays with the NIC until it is writable', async () => {
    const { link, nic } = await attached()
    system.writeErrors.push(0, 11)
    const rest = packetOf(0x45, 2)
    expect(link.writePackets([packetOf(0x45, 1), rest])).toBe(1)
    expect(system.waitsFor).toEqual({ readable: true, writable: true })
    system.fire()
    expect(nic.log).toEqual(['writable'])
    expect(system.waitsFor).toEqual({ readable: true, writable: false })
    expect(link.writePackets([rest])).toBe(1)
    expect(system.written.map(hex)).toEqual(['4501', '4502'])
    link.close()
  })

  it('a raw packet for a full device is dropped', async () => {
    const { link } = await attached({ mode: 'tap' })
    system.writeErrors.push(11)
    expect(link.writeRawPacket(packetOf(1))).toBe(false)
    link.close()
  })

  it('counts what the kernel does not take, and repeats what a signal interrupted', async () => {
    const { link } = await attached()
    system.writeErrors.push(5, 22, 4)
    expect(link.writePackets([packetOf(0x45, 1), packetOf(0x45, 2), packetOf(0x45, 3)])).toBe(3)
    expect(link.statistics).toMatchObject({ txDropDown: 1, txDropRefused: 1 })
    expect(system.written.map(hex)).toEqual(['4503'])
    link.close()
  })

  it('a closed link swallows packets', async () => {
    const { link } = await attached()
    link.close()
    link.close()
    await link.closed
    expect(link.writePackets([packetOf(0x45)])).toBe(1)
    expect(system.written).toEqual([])
  })
})

describe('link address', () => {
  it('is random, unicast and locally administered unless given', async () => {
    const { link } = await open({ mode: 'tap' })
    expect(link.linkAddress).toHaveLength(6)
    expect(link.linkAddress![0]! & 3).toBe(2)
    expect(new Set(link.linkAddress).size).toBeGreaterThan(2)
    link.close()

    const given = Uint8Array.of(2, 0, 0, 0, 0, 9)
    const { link: second } = await open({ mode: 'tap', linkAddress: given })
    expect(second.linkAddress).toEqual(given)
    second.close()
  })

  it('can be changed', async () => {
    const { link } = await open({ mode: 'tap' })
    link.setLinkAddress!(Uint8Array.of(2, 0, 0, 0, 0, 7))
    expect(link.linkAddress).toEqual(Uint8Array.of(2, 0, 0, 0, 0, 7))
    link.close()
  })
})
