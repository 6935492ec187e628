import { errorCodeOf, mappedAddress, address, type TransportErrorKind } from '@stack/core'
import { expect, test } from 'vitest'

const V4 = mappedAddress(0x0a000002)
const V6 = address(0xfd000000 | 0, 0, 0, 2)

const CODES: Readonly<Record<TransportErrorKind, readonly [v4: string, v6: string]>> = {
  packetTooBig: ['EMSGSIZE', 'EMSGSIZE'],
  portUnreachable: ['ECONNREFUSED', 'ECONNREFUSED'],
  protocolUnreachable: ['ENOPROTOOPT', 'ENOPROTOOPT'],
  hostUnreachable: ['EHOSTUNREACH', 'EHOSTUNREACH'],
  netUnreachable: ['ENETUNREACH', 'ENETUNREACH'],
  prohibited: ['EHOSTUNREACH', 'EACCES'],
  timeExceeded: ['EHOSTUNREACH', 'EHOSTUNREACH'],
  parameterProblem: ['EPROTO', 'EPROTO'],
  unknown: ['EHOSTUNREACH', 'EHOSTUNREACH'],
}

test.each(Object.entries(CODES) as [TransportErrorKind, readonly [string, string]][])('%s is %j', (kind, codes) => {
  expect([errorCodeOf({ kind, cause: 'icmp' }, V4), errorCodeOf({ kind, cause: 'icmp' }, V6)]).toEqual(codes)
})

test('a next hop that does not answer is down', () => {
  expect(errorCodeOf({ kind: 'hostUnreachable', cause: 'neighbor' }, V6)).toBe('EHOSTDOWN')
})
