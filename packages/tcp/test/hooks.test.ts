import { HookPoint } from '@stack/core'
import { describe, expect, test } from 'vitest'
import { Bench, pattern } from './support/peer.ts'

/*
 * A hook is user code in the middle of a segment's way: what it ends is over, whoever was just sending.
 */

describe.each(['abort', 'close', 'destroy'] as const)('%s in a hook on the way out', (how) => {
  test.each([1, 2, 3])('at packet %i: nothing more is sent, and no timer is left', async (last) => {
    const bench = await Bench.create()
    const connection = await bench.connect({}, { sackPermitted: true, mss: 1000 })
    let packets = 0
    bench.stack.hooks.add(HookPoint.Output, () => {
      if (++packets !== last) return 'accept'
      if (how === 'abort') connection.abort()
      else if (how === 'close') void connection.close()
      else bench.stack.destroy()
      return 'accept'
    })
    void connection.write(pattern(5000)).catch(() => undefined)
    // Text that is not read: `close` resets.
    await bench.send('PA', { seq: 1, ack: 1001, data: pattern(100) })
    await bench.send('A', { seq: 101, ack: 2001, sack: [[3001, 4001]] })
    await bench.clock.advance(1000)
    expect(connection.state).toBe('closed')
    bench.all()
    await bench.clock.advance(600_000)
    bench.expectNothing()
    await bench.end()
  })
})

test('a SYN that a hook takes back', async () => {
  const bench = await Bench.create()
  bench.stack.hooks.add(HookPoint.Output, () => {
    for (const connection of bench.stack.tcp.connections()) connection.abort()
    return 'accept'
  })
  await expect(bench.stack.tcp.connect({ host: bench.remote, port: 5000 })).rejects.toMatchObject({ code: 'ECONNABORTED' })
  bench.expect('S')
  await bench.clock.advance(600_000)
  bench.expectNothing()
  await bench.end()
})
