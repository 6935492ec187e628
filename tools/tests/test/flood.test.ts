import { createPacketMemory } from '@stack/buffer'
import { createStack } from '@stack/core'
import { icmp } from '@stack/icmp'
import { ipv4 } from '@stack/ipv4'
import { ipv6 } from '@stack/ipv6'
import { channel } from '@stack/link-channel'
import { loopback } from '@stack/link-loopback'
import { leaksOf } from '@stack/testing'
import { udp } from '@stack/udp'
import { describe, expect, it } from 'vitest'
import { StepClock } from './support/step-clock.ts'

/** An echo request from 10.0.0.2 to 10.0.0.1. */
const REQUEST = Uint8Array.of(0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0x66, 0xde, 10, 0, 0, 2, 10, 0, 0, 1, 8, 0, 0xf7, 0xfd, 0, 1, 0, 1)

describe.each([['127.0.0.1', '127.0.0.1/8'], ['::1', '::1/128']])('a loopback that never falls silent (%s)', (host, address) => {
  it.each([1, 50])('%i sockets: timers fire, the other NIC is served, the host has its turn', async (sockets) => {
    const clock = new StepClock()
    // A thousand datagrams are under way.
    const memory = createPacketMemory({ size: 8 << 20 }).pool()
    const stack = createStack({ plugins: [ipv4(), ipv6(), udp(), icmp()], clock, memory })
    const link = channel()
    await stack.addNic(loopback(), { addresses: [address] })
    await stack.addNic(link, { addresses: ['10.0.0.1/24'], skipDuplicateDetection: true })
    // Each datagram is answered with another, for ever.
    let flood = 0
    for (let i = 0; i < sockets; i++) {
      const socket = stack.udp.bind()
      const to = { host, port: socket.local.port }
      socket.setHandler({
        datagram(data) {
          flood++
          socket.send(data, to)
        },
      })
      for (let n = 0; n < 20; n++) socket.send(new Uint8Array(100), to)
    }
    const start = clock.now()
    let ticks = 0
    let latest = 0
    const timer = clock.scheduler.timers.create((now) => {
      latest = Math.max(latest, now - timer.deadline)
      ticks++
      timer.armAfter(1)
    })
    timer.armAfter(1)
    let answers = 0
    for (let i = 0; i < 40; i++) {
      const before = flood
      expect(link.inject(REQUEST)).toBe(true)
      clock.step()
      clock.step()
      for (let packet = link.take(); packet !== null; packet = link.take()) {
        answers++
        packet.release()
      }
      expect(answers, `round ${i}`).toBeGreaterThanOrEqual(i)
      if (i > 0) expect(flood, 'the flood goes on').toBeGreaterThan(before)
    }
    const elapsed = clock.now() - start
    expect(flood).toBeGreaterThan(10_000)
    expect(elapsed).toBeGreaterThan(100)
    // A slice of work is 5 ms, and user code has one of its own.
    expect(clock.longest).toBeLessThan(15)
    expect(latest).toBeLessThan(15)
    expect(ticks).toBeGreaterThan(elapsed / 15)
    timer.cancel()
    stack.destroy()
    expect(leaksOf(stack)).toEqual([])
  })
})
