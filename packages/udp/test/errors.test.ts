import { createStack, isStackError } from '@stack/core'
import { ipv6 } from '@stack/ipv6'
import { channel } from '@stack/link-channel'
import { leaksOf, manualClock } from '@stack/testing'
import { describe, expect, it } from 'vitest'
import { udp } from '../src/index.ts'
import { bytes, host, pair, text, thrownBy, wire } from './support/bench.ts'
import { FAMILIES, IPV4 } from './support/families.ts'
import { datagram, icmpError } from './support/packets.ts'

/** ICMP type and code, for both families, and what a connected socket hears. */
const ERRORS = [
  { v4: [3, 3], v6: [1, 4], code: 'ECONNREFUSED' },
  { v4: [3, 1], v6: [1, 3], code: 'EHOSTUNREACH' },
  { v4: [3, 0], v6: [1, 0], code: 'ENETUNREACH' },
  { v4: [3, 2], v6: [4, 1], code: 'ENOPROTOOPT' },
  { v4: [3, 13], v6: null, code: 'EHOSTUNREACH' },
  { v4: null, v6: [1, 1], code: 'EACCES' },
  { v4: [3, 9], v6: null, code: 'ENETUNREACH' },
  { v4: [11, 0], v6: [3, 0], code: 'EHOSTUNREACH' },
  { v4: [12, 0], v6: [4, 0], code: 'EPROTO' },
] as const

describe.each(FAMILIES)('$name', (family) => {
  const isV4 = family === IPV4

  it.each(ERRORS.filter((error) => (isV4 ? error.v4 : error.v6) !== null))('an ICMP error is told once to a connected socket: $code [RFC1122-4.1.3.3-icmp, RFC4443-3.1-port]', async ({ v4, v6, code }) => {
    const { stack, clock, inject, sent, counters, end } = await wire()
    const socket = stack.udp.connect({ host: family.peer, port: 9 })
    socket.send(bytes('anybody?'))
    await clock.settle()
    const [type, subtype] = (isV4 ? v4 : v6)!
    await inject(icmpError(family.peer, family.us, type, subtype, sent()[0]!))
    expect(thrownBy(() => socket.send(bytes('again')))).toMatchObject({ code, syscall: 'send', address: family.peer, port: 9 })
    expect(sent()).toEqual([])
    expect(socket.send(bytes('again'))).toBe(true)
    await clock.settle()
    expect(sent()).toHaveLength(1)
    expect(counters()['errors']).toBe(1)
    end()
  })

  it('a receive that waits hears of it, and so does a handler', async () => {
    const { clock, us, end } = await pair()
    const socket = us.udp.connect({ host: family.peer, port: 9 })
    socket.send(bytes('anybody?'))
    await expect(clock.until(socket.receive())).rejects.toMatchObject({ code: 'ECONNREFUSED', message: `UDP to ${family.peer} port 9: nobody listens on the port.` })
    const errors: unknown[] = []
    socket.setHandler({ error: (error) => errors.push(error.code) })
    socket.send(bytes('anybody?'))
    await clock.settle()
    expect(errors).toEqual(['ECONNREFUSED'])
    end()
  })

  it('an error that came before the call is told to the call', async () => {
    const { clock, us, end } = await pair()
    const socket = us.udp.connect({ host: family.peer, port: 9 })
    socket.send(bytes('x'))
    await clock.settle()
    await expect(socket.receive()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    end()
  })

  it('an unconnected socket cannot know whom it is about: counted only', async () => {
    const { clock, us, end } = await pair()
    const socket = us.udp.bind()
    socket.send(bytes('x'), { host: family.peer, port: 9 })
    await clock.settle()
    expect(us.statistics().protocols['udp']).toMatchObject({ sent: 1, errors: 1 })
    expect(socket.send(bytes('x'), { host: family.peer, port: 9 })).toBe(true)
    end()
  })

  it('an error about somebody else’s datagram is not told', async () => {
    const { stack, inject, end } = await wire()
    const socket = stack.udp.connect({ host: family.peer, port: 9, localPort: 4000 })
    const [type, code] = family === IPV4 ? ERRORS[0].v4 : ERRORS[0].v6
    await inject(icmpError(family.peer, family.us, type, code, datagram([family.us, 4000], [family.other, 9], 'forged')))
    await inject(icmpError(family.peer, family.us, type, code, datagram([family.us, 4000], [family.peer, 10], 'forged')))
    expect(socket.send(bytes('x'))).toBe(true)
    end()
  })

  it('a path too narrow is learnt and cut for, not an error', async () => {
    const { stack, clock, inject, sent, end } = await wire()
    const socket = stack.udp.connect({ host: family.peer, port: 9 })
    socket.send(new Uint8Array(1400))
    await clock.settle()
    const about = icmpError(family.other, family.us, family === IPV4 ? 3 : 2, family === IPV4 ? 4 : 0, sent()[0]!.subarray(0, 200))
    // The next-hop MTU, and the checksum that is right with it.
    const at = family === IPV4 ? 20 : 40
    about[at + 6] = 1280 >> 8
    const sum = ((about[at + 2]! << 8) | about[at + 3]!) - 1280
    new DataView(about.buffer).setUint16(at + 2, sum < 0 ? sum + 0xffff : sum)
    await inject(about)
    expect(socket.send(new Uint8Array(1400))).toBe(true)
    await clock.settle()
    expect(sent().map((packet) => packet.length <= 1280)).toEqual([true, true])
    end()
  })
})

it('a next hop that does not answer is told', async () => {
  const clock = manualClock()
  const stack = createStack({ plugins: [ipv6(), udp()], clock })
  await stack.addNic(channel({ framing: 'ethernet' }), { addresses: ['fd00::1/64'], skipDuplicateDetection: true })
  const socket = stack.udp.connect({ host: 'fd00::77', port: 9 })
  socket.send(bytes('x'))
  await expect(clock.until(socket.receive())).rejects.toMatchObject({ code: 'EHOSTDOWN', address: 'fd00::77' })
  stack.destroy()
  expect(leaksOf(stack)).toEqual([])
})

describe('misuse', () => {
  it('has codes and sentences', async () => {
    const { stack, end } = await wire()
    const socket = stack.udp.bind()
    const to = { host: IPV4.peer, port: 9 }
    const cases: readonly (readonly [string, () => unknown])[] = [
      ['ENOTCONN', () => socket.send(bytes('x'))],
      ['EINVAL', () => socket.send(bytes('x'), { host: IPV4.peer, port: 0 })],
      ['EINVAL', () => socket.send(bytes('x'), { host: IPV4.peer, port: 65_536 })],
      ['EINVAL', () => socket.send(bytes('x'), { host: IPV4.peer, port: 1.5 })],
      ['EINVAL', () => socket.reconnect({ host: IPV4.peer, port: 0 })],
      ['ERR_STACK_INVALID_ADDRESS', () => socket.send(bytes('x'), { host: 'example.org', port: 9 })],
      ['ERR_STACK_INVALID_ARGUMENT', () => socket.send('text' as never, to)],
      ['ERR_STACK_INVALID_ARGUMENT', () => socket.send(new Uint16Array(2) as never, to)],
      ['EMSGSIZE', () => socket.send(new Uint8Array(65_508), to)],
      ['EMSGSIZE', () => socket.send(new Uint8Array(65_528), { host: 'fd00::2', port: 9 })],
      ['ENETUNREACH', () => socket.send(bytes('x'), { host: '192.0.2.1', port: 9 })],
      ['ENETUNREACH', () => socket.send(bytes('x'), { host: '0.0.0.0', port: 9 })],
      ['EACCES', () => socket.send(bytes('x'), { host: '10.0.0.255', port: 9 })],
      ['EACCES', () => socket.send(bytes('x'), { host: '255.255.255.255', port: 9 })],
      ['EACCES', () => stack.udp.connect({ host: '10.0.0.255', port: 9 })],
      ['EINVAL', () => socket.joinGroup(IPV4.peer)],
      ['EINVAL', () => socket.leaveGroup(IPV4.peer)],
      ['EADDRNOTAVAIL', () => socket.leaveGroup(IPV4.group)],
      ['ENODEV', () => socket.joinGroup(IPV4.group, { nic: 'eth9' })],
      ['ERR_STACK_INVALID_OPTION', () => socket.configure({ nic: 1 })],
      ['ERR_STACK_INVALID_OPTION', () => socket.configure({ ttl: 256 })],
      ['ERR_STACK_INVALID_OPTION', () => stack.udp.bind({ port: -1 })],
      ['ERR_STACK_INVALID_OPTION', () => stack.udp.connect({ host: IPV4.peer, port: 0 })],
      ['ERR_STACK_INVALID_OPTION', () => stack.udp.bind({ adress: 'x' } as never)],
    ]
    for (const [code, act] of cases) {
      const error = thrownBy(act)
      expect(isStackError(error) && error.code, `${act.toString()}: ${String(error)}`).toBe(code)
      expect((error as Error).message.length).toBeGreaterThan(20)
    }
    // Nothing of them stays.
    expect(stack.udp.bind({ port: 9 }).local.port).toBe(9)
    end()
  })

  it('a closed socket says so', async () => {
    const { stack, end } = await wire()
    const socket = stack.udp.bind()
    socket.close()
    socket.close()
    for (const act of [
      () => socket.send(bytes('x'), { host: IPV4.peer, port: 9 }), () => socket.reconnect(null), () => socket.joinGroup(IPV4.group),
      () => socket.setHandler({}),
    ]) expect(thrownBy(act)).toMatchObject({ code: 'ERR_STACK_CLOSED' })
    await expect(socket.receive()).resolves.toBeNull()
    await socket.closed
    end()
    expect(thrownBy(() => stack.udp.bind())).toMatchObject({ code: 'ERR_STACK_CLOSED' })
  })

  it('an interface that is down cannot send', async () => {
    const { stack, nic, end } = await wire()
    const socket = stack.udp.bind({ nic: nic.id })
    nic.down()
    expect(thrownBy(() => socket.send(bytes('x'), { host: IPV4.peer, port: 9 }))).toMatchObject({ code: 'ENETDOWN' })
    nic.up()
    expect(socket.send(bytes('x'), { host: IPV4.peer, port: 9 })).toBe(true)
    end()
  })

  it('an address of a family that is not installed', () => {
    const { stack } = host()
    expect(thrownBy(() => stack.udp.bind({ host: 'not an address' }))).toMatchObject({ code: 'ERR_STACK_INVALID_ADDRESS' })
    stack.destroy()
  })
})

it('a datagram for a closed socket is answered, one for an open one is not [RFC1122-4.1.3.1-ports]', async () => {
  const { stack, inject, trace, end } = await wire()
  const socket = stack.udp.bind({ port: 7 })
  await inject(datagram([IPV4.peer, 1], [IPV4.us, 7], 'x'))
  expect(trace()).toEqual([])
  expect(text(socket.tryReceive())).toBe('x')
  socket.close()
  await inject(datagram([IPV4.peer, 1], [IPV4.us, 7], 'x'))
  expect(trace()).toEqual(['icmp 3/3'])
  end()
})
