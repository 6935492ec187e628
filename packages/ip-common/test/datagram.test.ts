import type { Packet } from '@stack/buffer'
import { expect, test } from 'vitest'
import { Datagram } from '../src/datagram.ts'
import type { Fragment } from '../src/index.ts'
import { testPool } from './support.ts'

/*
 * The table of datagrams goes by a keyed hash, and two of one hash are told apart by their names. Colliding names cannot be
 * had through the reassembler, whose key is secret.
 */

const ADDRESSES = [
  'sourceA', 'sourceB', 'sourceC', 'sourceD', 'destinationA', 'destinationB', 'destinationC', 'destinationD',
] as const satisfies readonly (keyof Packet)[]

const NAMES = ['id', 'protocol', 'zone'] as const satisfies readonly (keyof Fragment)[]

function fragment(): Fragment {
  return { id: 7, protocol: 17, zone: 3, offset: 0, more: true, headerStart: 0, headerLength: 20, dataStart: 20, nextHeader: 17, limit: 65515 }
}

function packet(): Packet {
  const made = testPool().allocate(0, 60)!
  for (const [i, name] of ADDRESSES.entries()) made[name] = 100 + i
  return made
}

const datagram = new Datagram(1, packet(), fragment(), 30_000, { key: 1, bytes: 0, datagrams: new Set() })

test('a fragment belongs to the datagram of its names and addresses', () => {
  expect(datagram.matches(packet(), { ...fragment(), offset: 1480, more: false })).toBe(true)
})

test.each(NAMES)('another %s is another datagram', (name) => {
  expect(datagram.matches(packet(), { ...fragment(), [name]: 99 })).toBe(false)
})

test.each(ADDRESSES)('another %s is another datagram', (name) => {
  const other = packet()
  other[name] = 99
  expect(datagram.matches(other, fragment())).toBe(false)
})
