import { expect, expectTypeOf, test } from 'vitest'
import type { StackBase, Nic } from '@stack/core'
import type { Connection, Listener } from '@stack/tcp'
import type { UdpSocket } from '@stack/udp'
import type { RawSocket } from '@stack/raw'
import type { EchoSocket } from '@stack/icmp'
import { pairOfStacks } from './support/world.ts'

const symbol = (Symbol as { readonly asyncDispose?: symbol }).asyncDispose

test('what has close() is AsyncDisposable', () => {
  expectTypeOf<StackBase>().toExtend<AsyncDisposable>()
  expectTypeOf<Nic>().toExtend<AsyncDisposable>()
  expectTypeOf<Connection>().toExtend<AsyncDisposable>()
  expectTypeOf<Listener>().toExtend<AsyncDisposable>()
  expectTypeOf<UdpSocket>().toExtend<AsyncDisposable>()
  expectTypeOf<RawSocket>().toExtend<AsyncDisposable>()
  expectTypeOf<EchoSocket>().toExtend<AsyncDisposable>()
})

test.runIf(symbol !== undefined)('await using closes connections, listeners and sockets', async () => {
  const { clock, left, right, end } = await pairOfStacks()
  const dispose = async (target: AsyncDisposable): Promise<void> => {
    await clock.until(Promise.resolve(target[Symbol.asyncDispose]()))
  }
  const listener = right.tcp.listen({ port: 80 })
  const connection = await clock.until(left.tcp.connect({ host: '10.0.0.2', port: 80 }))
  const accepted = (await clock.until(listener.accept()))!
  await dispose(listener)
  await listener.closed
  await clock.until(Promise.all([dispose(connection), dispose(accepted)]))
  expect([connection.state, accepted.state]).toEqual(['time-wait', 'closed'])
  const socket = left.udp.bind({ port: 9 })
  await dispose(socket)
  expect(() => socket.send(new Uint8Array(1), { host: '10.0.0.2', port: 9 })).toThrow(/closed/)
  const raw = left.raw.open({ protocol: 253, networkProtocol: 0x0800 })
  await dispose(raw)
  await raw.closed
  const echo = left.icmp.open('10.0.0.2')
  await dispose(echo)
  await expect(echo.ping()).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
  end()
})
