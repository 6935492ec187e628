import { md5 as createAuthentication, type Md5Authentication } from '@stack/tcp/md5'
import { md5 } from '../packet/md5.ts'

/** The keys of a socket for TCP MD5 signatures: one an address, as TCP_MD5SIG sets them. */
export class SocketSignatures {
  readonly authentication: Md5Authentication
  private readonly keys = new Map<string, string>()

  /** @param unexpected - what becomes of signed segments from peers without a key */
  constructor(unexpected: 'drop' | 'accept') {
    this.authentication = createAuthentication({ hash: md5, unexpected })
  }

  get isOn(): boolean {
    return this.keys.size > 0
  }

  /** `peer` '' = every one; an empty key takes it away. */
  set(peer: string, key: string): void {
    if (key === '') this.keys.delete(peer)
    else this.keys.set(peer, key)
    // The one for everybody is what is left.
    const inOrder = [...this.keys].sort(([a], [b]) => b.length - a.length)
    this.authentication.setKeys(inOrder.map(([address, secret]) => ({ ...(address === '' ? {} : { peer: address }), key: secret })))
  }
}
