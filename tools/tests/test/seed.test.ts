import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

/** Everything that netstack's stack/registration.go of mid-2020 registers. Each has a place here, and says which. */
const SEED = [
  'NetworkEndpointID', 'TransportEndpointID', 'ControlType', 'TransportEndpoint', 'TransportEndpoint.UniqueID',
  'TransportEndpoint.HandleControlPacket', 'RawTransportEndpoint', 'PacketEndpoint', 'TransportProtocol', 'TransportProtocol.NewEndpoint',
  'TransportProtocol.NewRawEndpoint', 'TransportProtocol.ParsePorts', 'TransportProtocol.HandleUnknownDestinationPacket', 'TransportDispatcher',
  'PacketLooping', 'NetworkHeaderParams', 'NetworkEndpoint', 'NetworkProtocol', 'NetworkProtocol.ParseAddresses', 'NetworkProtocol.Parse',
  'NetworkDispatcher', 'NetworkDispatcher.DeliverLinkPacket', 'LinkEndpointCapabilities', 'LinkEndpoint', 'InjectableLinkEndpoint',
  'LinkAddressResolver', 'LinkAddressResolver.LinkAddressRequest', 'LinkAddressResolver.ResolveStaticAddress',
  'LinkAddressResolver.LinkAddressProtocol', 'LinkAddressCache', 'LinkAddressCache.CheckLocalAddress', 'LinkAddressCache.AddLinkAddress',
  'LinkAddressCache.GetLinkAddress', 'RawFactory', 'RawFactory.NewUnassociatedEndpoint', 'RawFactory.NewPacketEndpoint', 'GSO', 'GSOType',
  'GSOEndpoint', 'GSOEndpoint.GSOMaxSize', 'SoftwareGSOMaxSize',
]

it('has a place for everything that the seed registers', () => {
  const packages = fileURLToPath(new URL('../../../packages/', import.meta.url))
  const found = new Set<string>()
  for (const name of readdirSync(packages)) {
    const sources = `${packages}${name}/src/`
    for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      for (const [, item] of readFileSync(sources + file, 'utf8').matchAll(/@seed ([A-Za-z.]+)/g)) found.add(item!.replace(/\.$/, ''))
    }
  }
  expect(SEED.filter((name) => !found.has(name))).toEqual([])
})
