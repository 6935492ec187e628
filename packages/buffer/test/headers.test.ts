import { beforeEach, expect, test } from 'vitest'
import type { Packet, PacketMemory, PacketPool } from '@stack/buffer'
import { contents, expectEmpty, memoryOf, mixedBytes, packetWith } from './support.ts'

let memory: PacketMemory
let pool: PacketPool
let packet: Packet

beforeEach(() => {
  memory = memoryOf(2)
  pool = memory.pool()
  packet = packetWith(pool, 64, mixedBytes(100))
  return () => {
    packet.release()
    expectEmpty(pool)
  }
})

test('headers are pushed from the inside out', () => {
  expect(packet.pushTransportHeader(20)).toBe(44)
  expect(packet.pushNetworkHeader(20)).toBe(24)
  expect(packet.pushLinkHeader(14)).toBe(10)
  expect(packet).toMatchObject({
    start: 10, length: 154,
    linkHeader: 10, linkHeaderLength: 14, networkHeader: 24, networkHeaderLength: 20, transportHeader: 44, transportHeaderLength: 20,
  })
  expect(memory.statistics.headerMisuse).toBe(0)
})

test('headers are consumed from the outside in', () => {
  expect(packet.consumeLinkHeader(14)).toBe(64)
  expect(packet.consumeNetworkHeader(40)).toBe(78)
  expect(packet.consumeTransportHeader(8)).toBe(118)
  expect(packet).toMatchObject({
    start: 126, length: 38,
    linkHeader: 64, linkHeaderLength: 14, networkHeader: 78, networkHeaderLength: 40, transportHeader: 118, transportHeaderLength: 8,
  })
})

test('a header without headroom is refused, and so is one longer than the contiguous bytes', () => {
  expect(packet.pushNetworkHeader(65)).toBe(-1)
  expect(packet.consumeNetworkHeader(101)).toBe(-1)
  expect(packet).toMatchObject({ start: 64, networkHeader: -1, length: 100 })
  expect(packet.pushNetworkHeader(64)).toBe(0)
  expect(memory.statistics.headerMisuse).toBe(0)
})

test('a header lies in contiguous bytes: a payload range is not consumed', () => {
  const chunk = pool.chunk(50)!
  chunk.append(mixedBytes(50), 0, 50)
  packet.attachPayload(chunk, 0, 50)
  chunk.release()
  expect(packet.consumeNetworkHeader(101)).toBe(-1)
  expect(packet.consumeNetworkHeader(100)).toBe(64)
})

test.each([
  ['link', 'pushLinkHeader', 'consumeLinkHeader', 'linkHeader'],
  ['network', 'pushNetworkHeader', 'consumeNetworkHeader', 'networkHeader'],
  ['transport', 'pushTransportHeader', 'consumeTransportHeader', 'transportHeader'],
] as const)('the %s header is set once', (_, push, consume, header) => {
  expect(packet[push](8)).toBe(56)
  expect(packet[push](8)).toBe(-1)
  expect(packet[consume](8)).toBe(-1)
  expect(memory.statistics.headerMisuse).toBe(2)
  packet.resetHeaders()
  expect(packet[consume](8)).toBe(56)
  expect(packet[consume](8)).toBe(-1)
  expect(packet[push](8)).toBe(-1)
  expect(memory.statistics.headerMisuse).toBe(4)
  expect(packet[header]).toBe(56)
})

test('pushing would overwrite a consumed header, and is refused', () => {
  packet.consumeNetworkHeader(20)
  const before = contents(packet)
  expect(packet.pushLinkHeader(14)).toBe(-1)
  expect(packet.pushTransportHeader(8)).toBe(-1)
  expect(contents(packet)).toEqual(before)
  expect(memory.statistics.headerMisuse).toBe(2)
})

test('a pushed header is not consumed by its sender', () => {
  packet.pushNetworkHeader(20)
  expect(packet.consumeTransportHeader(8)).toBe(-1)
  expect(memory.statistics.headerMisuse).toBe(1)
})

test('forwarding: restart at the network header, then push another link header', () => {
  packet.consumeLinkHeader(14)
  packet.consumeNetworkHeader(20)
  packet.consumeTransportHeader(8)
  expect(packet.restart(packet.networkHeader)).toBe(true)
  expect(packet).toMatchObject({ start: 78, linkHeader: -1, linkHeaderLength: 0, networkHeader: 78, transportHeader: 98, length: 86 })
  expect(packet.pushLinkHeader(18)).toBe(60)
  expect(memory.statistics.headerMisuse).toBe(0)
})

test('looping: a packet that was sent is received after resetHeaders', () => {
  packet.pushTransportHeader(8)
  packet.pushNetworkHeader(20)
  Object.assign(packet, { sourceA: 1, destinationD: 2, sourcePort: 3, ttl: 64, hash: 7, mark: 5, networkProtocol: 0x0800 })
  packet.resetHeaders()
  expect(packet).toMatchObject({ sourceA: 0, destinationD: 0, sourcePort: 0, ttl: 0, hash: 0, mark: 5, networkProtocol: 0x0800, length: 128 })
  expect(packet.consumeNetworkHeader(20)).toBe(36)
  expect(packet.consumeTransportHeader(8)).toBe(56)
})

test('restart stays within the slot and the bytes', () => {
  expect(packet.restart(-1)).toBe(false)
  expect(packet.restart(packet.end + 1)).toBe(false)
  expect(packet.start).toBe(64)
  expect(packet.restart(packet.end)).toBe(true)
  expect(packet.length).toBe(0)
})
