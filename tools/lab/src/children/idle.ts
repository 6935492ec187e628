import { createStack } from '@stack/core'
import { ipv4 } from '@stack/ipv4'
import { tun } from '@stack/link-tun'

// Nothing is open: the process ends here, although the device is not closed.
const stack = createStack({ plugins: [ipv4()] })
await stack.addNic(tun(), { addresses: ['10.78.0.2/24'] })
