import { afterEach, describe, expect, test, vi } from 'vitest'
import { createPacketMemory, defaultPacketMemory } from '@stack/buffer'
import type * as buffer from '@stack/buffer'
import type { PacketMemory } from '@stack/buffer'
import { reserveArena } from '../src/arena.ts'
import { TRAY_SIZE } from '../src/tray.ts'
import { contents, expectEmpty, LARGE, mixedBytes, packetWith, referenceSum } from './support.ts'

const MIB = 1 << 20

describe('createPacketMemory', () => {
  test('by default: 128 MiB of WebAssembly memory with SIMD kernels', () => {
    expect(createPacketMemory()).toMatchObject({ layout: 1, simd: true, size: 128 * MIB })
  })

  test.each(['document', 'WorkerGlobalScope'])('32 MiB in browsers (%s)', (name) => {
    vi.stubGlobal(name, {})
    expect(createPacketMemory().size).toBe(32 * MIB)
    vi.unstubAllGlobals()
  })

  test('simd: false is a plain buffer of the size asked for', () => {
    const memory = createPacketMemory({ simd: false, size: 3 * MIB })
    expect(memory).toMatchObject({ simd: false, size: 3 * MIB })
    expect(memory.bytes.length).toBe(3 * MIB)
    expect(memory.bytes.buffer).toBeInstanceOf(ArrayBuffer)
  })

  test.each([0, -1, LARGE - 1, 1.5, Number.NaN, 2 ** 31])('a size of %d is refused', (size) => {
    expect(() => createPacketMemory({ size })).toThrow(/size must be an integer from 69632/)
  })

  test('without WebAssembly, plain buffers serve', () => {
    vi.stubGlobal('WebAssembly', undefined)
    const memory = createPacketMemory({ size: 8 * MIB })
    vi.unstubAllGlobals()
    expect(memory).toMatchObject({ simd: false, size: 2 * MIB })
    const pool = memory.pool()
    const packet = packetWith(pool, 10, mixedBytes(999))
    expect(packet.sum(10)).toBe(referenceSum(mixedBytes(999)))
    packet.release()
  })
})

describe('reserveArena', () => {
  const failing = (part: 'Memory' | 'Module' | 'Instance'): typeof WebAssembly =>
    ({
      Memory: WebAssembly.Memory,
      Module: WebAssembly.Module,
      Instance: WebAssembly.Instance,
      [part]: function () {
        throw new RangeError(`no ${part} here`)
      },
    }) as unknown as typeof WebAssembly

  test.each(['Memory', 'Module', 'Instance'] as const)('without a WebAssembly %s: a quarter of the size, in JavaScript', (part) => {
    const arena = reserveArena(64 * MIB, true, failing(part))
    expect(arena.simd).toBe(false)
    expect(arena.bytes.length).toBe(16 * MIB)
    arena.bytes.set(mixedBytes(100), 7)
    expect(arena.kernels.sum(7, 100)).toBe(referenceSum(mixedBytes(100)))
  })

  test('small memories are not made smaller', () => {
    expect(reserveArena(LARGE, true, undefined).bytes.length).toBe(LARGE)
    expect(reserveArena(2 * MIB, true, undefined).bytes.length).toBe(MIB)
  })

  describe('when plain buffers fail as well', () => {
    afterEach(() => vi.unstubAllGlobals())

    function limitBuffers(limit: number): number[] {
      const tried: number[] = []
      const Real = Uint8Array
      vi.stubGlobal('Uint8Array', function (length: number) {
        tried.push(length)
        if (length > limit) throw new RangeError('Array buffer allocation failed')
        return new Real(length)
      })
      return tried
    }

    test('the size is halved until one succeeds', () => {
      const tried = limitBuffers(5 * MIB)
      expect(reserveArena(64 * MIB, true, undefined).bytes.length).toBe(4 * MIB)
      expect(tried).toEqual([16, 8, 4].map((size) => size * MIB + TRAY_SIZE))
    })

    test('down to 1 MiB, and then it is an error that says what to do', () => {
      limitBuffers(0)
      expect(() => reserveArena(64 * MIB, true, undefined)).toThrow('cannot reserve 1048576 bytes of packet memory; pass a smaller size')
    })
  })
})

describe('two copies of this package', () => {
  // Every file of the package is loaded again after a reset.
  async function copies(): Promise<[typeof buffer, typeof buffer]> {
    vi.resetModules()
    const first = await import('@stack/buffer')
    vi.resetModules()
    return [first, await import('@stack/buffer')]
  }

  test('are two, and share the memory of the realm', async () => {
    const [one, two] = await copies()
    expect(one.createPacketMemory).not.toBe(two.createPacketMemory)
    const memory: PacketMemory = one.defaultPacketMemory()
    expect(two.defaultPacketMemory()).toBe(memory)
    expect(defaultPacketMemory()).toBe(memory)
  })

  test('exchange packets, payload and charges', async () => {
    const [one, two] = await copies()
    const sender = one.createPacketMemory({ size: MIB }).pool()
    const receiver = two.createPacketMemory({ size: MIB, simd: false }).pool()

    const packet = packetWith(sender, 40, mixedBytes(33))
    const body = sender.chunk(1000)!
    body.append(mixedBytes(701), 0, 701)
    const tail = receiver.chunk(1000)!
    tail.append(mixedBytes(100), 0, 100)
    body.setNext(tail)
    packet.attachPayload(body, 1, 800)
    body.release()
    tail.release()
    const whole = contents(packet)
    expect(packet.sum(packet.start)).toBe(referenceSum(whole))

    const clone = packet.clone(receiver)!
    expect(clone.memory).toBe(receiver.memory)
    expect(receiver.adopt(packet)).toBe(true)
    expect(sender).toMatchObject({ packets: 0, chunks: 1 })
    expect(receiver).toMatchObject({ packets: 2, chunks: 1 })

    const flat = receiver.flatten(packet)!
    expect(flat.memory).toBe(receiver.memory)
    expect(contents(flat)).toEqual(whole)
    expect(contents(clone)).toEqual(whole)
    expect(clone.sum(clone.start)).toBe(flat.sum(flat.start))
    clone.release()
    flat.release()
    expectEmpty(sender)
    expectEmpty(receiver)
  })
})
