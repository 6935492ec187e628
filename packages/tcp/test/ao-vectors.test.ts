import { createPacketMemory, type Packet } from '@stack/buffer'
import { address, mappedAddress, type Address } from '@stack/core'
import { hex } from '@stack/testing'
import { describe, expect, test } from 'vitest'
import { aes128Cmac, ao, hmac, type AoAlgorithm } from '../src/ao.ts'
import { readKeys, trafficKey } from '../src/authentication/ao-keys.ts'
import { Message } from '../src/authentication/message.ts'
import { SequenceExtension } from '../src/authentication/sequence-extension.ts'
import { aesCmac, hmacSha1, md5Hash } from './support/reference-signatures.ts'

// The packets, keys and MACs of RFC 9235, whose numbers the tests bear.

const SHA1 = hmac(hmacSha1)
const CMAC = aes128Cmac(aesCmac)

interface Vector {
  readonly packet: string
  readonly traffic: string
  readonly isns: readonly [source: number, destination: number]
  readonly algorithm?: AoAlgorithm
  readonly coverOptions?: boolean
}

const TEXT = `
  ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff 00 43 01 04`
const BGP = `26 02 06 01 04 00 01 00 01 02 02 80 00 02 02 02 00 02 02 42 00 02 06 41 04 00 00`

const VECTORS: Readonly<Record<string, Vector>> = {
  '4.1.1': {
    packet: `45 e0 00 4c dd 0f 40 00 ff 06 bf 6b 0a 0b 0c 0d ac 1b 1c 1d e9 d7 00 b3 fb fb ab 5a 00 00 00 00
      e0 02 ff ff ca c4 00 00 02 04 05 b4 01 03 03 08 04 02 08 0a 00 15 5a b7 00 00 00 00 1d 10 3d 54 2e e4 37 c6 f8 ed e6 d7 c4 d6 02 e7`,
    traffic: '6d 63 ef 1b 02 fe 15 09 d4 b1 40 27 07 fd 7b 04 16 ab b7 4f',
    isns: [0xfbfbab5a, 0],
  },
  '4.1.2': {
    packet: `45 e0 00 4c 65 06 40 00 ff 06 37 75 ac 1b 1c 1d 0a 0b 0c 0d 00 b3 e9 d7 11 c1 42 61 fb fb ab 5b
      e0 12 ff ff 37 76 00 00 02 04 05 b4 01 03 03 08 04 02 08 0a 84 a5 0b eb 00 15 5a b7 1d 10 54 3d ee ab 0f e2 4c 30 10 81 51 16 b3 be`,
    traffic: 'd9 e2 17 e4 83 4a 80 ca 2f 3f d8 de 2e 41 b8 e6 79 7f ea 96',
    isns: [0x11c14261, 0xfbfbab5a],
  },
  '4.1.3': {
    packet: `45 e0 00 87 36 a1 40 00 ff 06 65 9f 0a 0b 0c 0d ac 1b 1c 1d e9 d7 00 b3 fb fb ab 5b 11 c1 42 62
      c0 18 01 04 a1 62 00 00 01 01 08 0a 00 15 5a c1 84 a5 0b eb 1d 10 3d 54 70 64 cf 99 8c c6 c3 15 c2 c2 e2 bf
      ${TEXT} da bf 00 b4 0a 0b 0c 0d ${BGP} da bf 02 08 40 06 00 64 00 01 01 00`,
    traffic: 'd2 e5 9c 65 ff c7 b1 a3 93 47 65 64 63 b7 0e dc 24 a1 3d 71',
    isns: [0xfbfbab5a, 0x11c14261],
  },
  '4.1.4': {
    packet: `45 e0 00 87 1f a9 40 00 ff 06 7c 97 ac 1b 1c 1d 0a 0b 0c 0d 00 b3 e9 d7 11 c1 42 62 fb fb ab 9e
      c0 18 01 00 40 0c 00 00 01 01 08 0a 84 a5 0b f5 00 15 5a c1 1d 10 54 3d a6 3f 0e cb bb 2e 63 5c 95 4d ea c7
      ${TEXT} da c0 00 b4 ac 1b 1c 1d ${BGP} da c0 02 08 40 06 00 64 00 01 01 00`,
    traffic: 'd9 e2 17 e4 83 4a 80 ca 2f 3f d8 de 2e 41 b8 e6 79 7f ea 96',
    isns: [0x11c14261, 0xfbfbab5a],
  },
  '4.2.1': {
    packet: `45 e0 00 4c 53 99 40 00 ff 06 48 e2 0a 0b 0c 0d ac 1b 1c 1d ff 12 00 b3 cb 0e fb ee 00 00 00 00
      e0 02 ff ff 54 1f 00 00 02 04 05 b4 01 03 03 08 04 02 08 0a 00 02 4c ce 00 00 00 00 1d 10 3d 54 80 af 3c fe b8 53 68 93 7b 8f 9e c2`,
    traffic: '30 ea a1 56 0c f0 be 57 da b5 c0 45 22 9f b1 0a 42 3c d7 ea',
    isns: [0xcb0efbee, 0],
    coverOptions: false,
  },
  '4.2.2': {
    packet: `45 e0 00 4c 32 84 40 00 ff 06 69 f7 ac 1b 1c 1d 0a 0b 0c 0d 00 b3 ff 12 ac d5 b5 e1 cb 0e fb ef
      e0 12 ff ff 38 8e 00 00 02 04 05 b4 01 03 03 08 04 02 08 0a 57 67 72 f3 00 02 4c ce 1d 10 54 3d 09 30 6f 9a ce a6 3a 8c 68 cb 9a 70`,
    traffic: 'b5 b2 89 6b b3 66 4e 81 76 b0 ed c6 e7 99 52 41 01 a8 30 7f',
    isns: [0xacd5b5e1, 0xcb0efbee],
    coverOptions: false,
  },
  '4.2.3': {
    packet: `45 e0 00 87 a8 f5 40 00 ff 06 f3 4a 0a 0b 0c 0d ac 1b 1c 1d ff 12 00 b3 cb 0e fb ef ac d5 b5 e2
      c0 18 01 04 6c 45 00 00 01 01 08 0a 00 02 4c ce 57 67 72 f3 1d 10 3d 54 71 06 08 cc 69 6c 03 a2 71 c9 3a a5
      ${TEXT} da bf 00 b4 0a 0b 0c 0d ${BGP} da bf 02 08 40 06 00 64 00 01 01 00`,
    traffic: 'f3 db 17 93 d7 91 0e cd 80 6c 34 f1 55 ea 1f 00 34 59 53 e3',
    isns: [0xcb0efbee, 0xacd5b5e1],
    coverOptions: false,
  },
  '4.2.4': {
    packet: `45 e0 00 87 54 37 40 00 ff 06 48 09 ac 1b 1c 1d 0a 0b 0c 0d 00 b3 ff 12 ac d5 b5 e2 cb 0e fc 32
      c0 18 01 00 46 b6 00 00 01 01 08 0a 57 67 72 f3 00 02 4c ce 1d 10 54 3d 97 76 6e 48 ac 26 2d e9 ae 61 b4 f9
      ${TEXT} da c0 00 b4 ac 1b 1c 1d ${BGP} da c0 02 08 40 06 00 64 00 01 01 00`,
    traffic: 'b5 b2 89 6b b3 66 4e 81 76 b0 ed c6 e7 99 52 41 01 a8 30 7f',
    isns: [0xacd5b5e1, 0xcb0efbee],
    coverOptions: false,
  },
  '5.1.1': {
    packet: `45 e0 00 4c 7b 9f 40 00 ff 06 20 dc 0a 0b 0c 0d ac 1b 1c 1d c4 fa 00 b3 78 7a 1d df 00 00 00 00
      e0 02 ff ff 5a 0f 00 00 02 04 05 b4 01 03 03 08 04 02 08 0a 00 01 7e d0 00 00 00 00 1d 10 3d 54 e4 77 e9 9c 80 40 76 54 98 e5 50 91`,
    traffic: 'f5 b8 b3 d5 f3 4f db b6 eb 8d 4a b9 66 0e 60 e3',
    isns: [0x787a1ddf, 0],
    algorithm: CMAC,
  },
  '6.1.1': {
    packet: `6e 08 91 dc 00 38 06 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02
      f7 e4 00 b3 17 6a 83 3f 00 00 00 00 e0 02 ff ff 47 21 00 00 02 04 05 a0 01 03 03 08 04 02 08 0a 00 41 d0 87 00 00 00 00
      1d 10 3d 54 90 33 ec 3d 73 34 b6 4c 5e dd 03 9f`,
    traffic: '62 5e c0 9d 57 58 36 ed c9 b6 42 84 18 bb f0 69 89 a3 61 bb',
    isns: [0x176a833f, 0],
  },
  '6.1.2': {
    packet: `6e 01 00 9e 00 38 06 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
      00 b3 f7 e4 3f 51 99 4b 17 6a 83 40 e0 12 ff ff bf ec 00 00 02 04 05 a0 01 03 03 08 04 02 08 0a bd 33 12 9b 00 41 d0 87
      1d 10 54 3d f1 cb a3 46 c3 52 61 63 f7 1f 1f 55`,
    traffic: 'e4 a3 7a da 2a 0a fc a8 71 14 34 91 3f e1 38 c7 71 eb cb 4a',
    isns: [0x3f51994b, 0x176a833f],
  },
  '6.2.2': {
    packet: `6e 0a 7e 1f 00 38 06 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
      00 b3 c6 cd eb a3 73 4d 02 0c 1e 6a e0 12 ff ff 77 4d 00 00 02 04 05 a0 01 03 03 08 04 02 08 0a 5e c9 9b 70 00 9d b9 5b
      1d 10 54 3d 3c 54 6b ad 97 43 f1 2d f8 b8 01 0d`,
    traffic: '40 51 08 94 7f 99 65 75 e7 bd bc 26 d4 02 16 a2 c7 fa 91 bd',
    isns: [0xeba3734d, 0x020c1e69],
    coverOptions: false,
  },
  '6.2.4': {
    packet: `6e 0a 7e 1f 00 73 06 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
      00 b3 c6 cd eb a3 73 4e 02 0c 1e ad c0 18 01 00 71 6a 00 00 01 01 08 0a 5e c9 9b 7a 00 9d b9 65
      1d 10 54 3d 55 9a 81 94 45 b4 fd e9 8d 9e 13 17 ${TEXT} fd e8 00 b4 01 01 01 7a ${BGP} fd e8 02 08 40 06 00 64 00 01 01 00`,
    traffic: '40 51 08 94 7f 99 65 75 e7 bd bc 26 d4 02 16 a2 c7 fa 91 bd',
    isns: [0xeba3734d, 0x020c1e69],
    coverOptions: false,
  },
  '7.1.2': {
    packet: `6e 06 15 20 00 38 06 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
      00 b3 f8 5a a6 74 4e cb 19 3c cc ed e0 12 ff ff ea bb 00 00 02 04 05 a0 01 03 03 08 04 02 08 0a 71 da ab c8 13 e4 ab 99
      1d 10 54 3d dc 28 43 a8 4e 78 a6 bc fd c5 ed 80`,
    traffic: 'cf 1b 1e 22 5e 06 a6 36 16 76 4a 06 7b 46 f4 b1',
    isns: [0xa6744ecb, 0x193cccec],
    algorithm: CMAC,
  },
  '7.1.4': {
    packet: `6e 06 15 20 00 73 06 40 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
      00 b3 f8 5a a6 74 4e cc 19 3c cd 30 c0 18 01 00 52 f4 00 00 01 01 08 0a 71 da ab d3 13 e4 ab a3
      1d 10 54 3d c1 06 9b 7d fd 3d 69 3a 6d f3 f2 89 ${TEXT} fd e8 00 b4 01 01 01 7a ${BGP} fd e8 02 08 40 06 00 64 00 01 01 00`,
    traffic: 'cf 1b 1e 22 5e 06 a6 36 16 76 4a 06 7b 46 f4 b1',
    isns: [0xa6744ecb, 0x193cccec],
    algorithm: CMAC,
  },
}

/** A vector as a received packet whose headers are consumed. */
function received(bytes: Uint8Array): { packet: Packet; source: Address; destination: Address } {
  const packet = createPacketMemory({ size: 1 << 20 }).pool().allocate(0, 2048)!
  packet.append(bytes, 0, bytes.length)
  const isSix = bytes[0]! >> 4 === 6
  const network = isSix ? 40 : 20
  const { view, start } = packet
  const word = (at: number): number => view.getInt32(start + at)
  const source = isSix ? address(word(8), word(12), word(16), word(20)) : mappedAddress(word(12))
  const destination = isSix ? address(word(24), word(28), word(32), word(36)) : mappedAddress(word(16))
  packet.consumeNetworkHeader(network)
  packet.consumeTransportHeader((view.getUint8(packet.start + 12) >>> 4) << 2)
  return { packet, source, destination }
}

describe('test vectors of RFC 9235', () => {
  test.each(Object.entries(VECTORS))('%s: traffic key and MAC [RFC5925-7.1-keys, RFC5926-3.1-kdf, RFC5926-3.2-mac]', (_number, vector) => {
    const { traffic, isns, algorithm = SHA1, coverOptions = true } = vector
    const { packet, source, destination } = received(hex(vector.packet))
    const { view, transportHeader } = packet
    const ports = [view.getUint16(transportHeader), view.getUint16(transportHeader + 2)] as const
    const isClient = (view.getUint8(transportHeader + 13) & 2) !== 0 ? isns[1] === 0 : ports[1] === 179
    const ids = isClient ? { sendId: 84, receiveId: 61 } : { sendId: 61, receiveId: 84 }
    const keys = [{ ...ids, secret: 'testvector', algorithm, coverOptions }]
    expect(trafficKey(new Message(), readKeys(keys)[0]!, source, ports[0], destination, ports[1], isns[0], isns[1])).toEqual(Uint8Array.from(hex(traffic)))

    const flow = { localAddress: destination, localPort: ports[1], remoteAddress: source, remotePort: ports[0] }
    const authenticator = ao({ keys }).forFlow(flow)!
    authenticator.opened(isns[1] | 0, isns[0] | 0)
    expect(authenticator.verify(packet)).toBeNull()

    // The other side signs the same segment, with the option in front, where the RFC has it behind the others.
    const option = transportHeader + packet.transportHeaderLength - 16
    const mac = packet.bytes.slice(option + 4, option + 16)
    packet.bytes.fill(0, option, option + 16)
    const sender = ao({ keys: [{ ...keys[0]!, sendId: ids.receiveId, receiveId: ids.sendId }] }).forFlow({
      localAddress: source, localPort: ports[0], remoteAddress: destination, remotePort: ports[1],
    })!
    sender.opened(isns[0] | 0, isns[1] | 0)
    sender.sign(packet, packet.transportHeaderLength - 16)
    if (!coverOptions) expect(packet.bytes.slice(transportHeader + 24, transportHeader + 36)).toEqual(mac)
    expect(authenticator.verify(packet)).toBeNull()

    // Any bit of it counts.
    packet.bytes[transportHeader + 15]! ^= 1
    expect(authenticator.verify(packet)).toBe('dropBadSignature')
    packet.release()
  })
})

describe('sequence number extension (RFC 5925 §6.2)', () => {
  test('counts the rounds, forwards and back [RFC5925-6.2-sne]', () => {
    const extension = new SequenceExtension()
    extension.begin(-20)
    const seen = [-20, -1, 0, 5, -1, -20, -30].map((sequence) => {
      extension.advance(sequence)
      return extension.of(sequence)
    })
    expect(seen).toEqual([0, 0, 1, 1, 0, 0, 0])
    // Before the first number there was a round that nobody counted.
    extension.begin(5)
    expect(extension.of(-5)).toBe(-1)
  })

  test('goes round and round [RFC5925-6.2-sne]', () => {
    const extension = new SequenceExtension()
    extension.begin(0)
    for (let i = 1; i <= 64; i++) {
      const sequence = Math.imul(i, 0x1000_0000)
      extension.advance(sequence)
      expect(extension.of(sequence)).toBe(i >> 4)
      expect(extension.of((sequence - 1) | 0)).toBe((i - 1) >> 4)
      expect(extension.of((sequence + 0x1000_0000) | 0)).toBe((i + 1) >> 4)
    }
  })
})

test('the reference hashes agree with published digests', () => {
  // RFC 1321 §A.5; RFC 4493 §4, example 2; RFC 2202 §3, test 2.
  expect(Buffer.from(md5Hash(Buffer.from('abc'))).toString('hex')).toBe('900150983cd24fb0d6963f7d28e17f72')
  expect(Buffer.from(aesCmac(Uint8Array.from(hex('2b7e151628aed2a6abf7158809cf4f3c')), Uint8Array.from(hex('6bc1bee22e409f96e93d7e117393172a')))).toString('hex')).toBe('070a16b46b4d4144f79bdd9dd04a287c')
  expect(Buffer.from(hmacSha1(Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'))).toString('hex')).toBe('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79')
})
