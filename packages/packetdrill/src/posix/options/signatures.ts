import { Unsupported } from '../../language/error.ts'
import { fail, ok } from '../pending-call.ts'
import { socketAddress } from '../structs.ts'
import type { TcpSocket } from '../tcp-socket.ts'
import { field, numberOf, pointedNumber, stringOf } from '../values.ts'
import type { SocketOption } from './option.ts'

const NOBODY = { host: '', port: 0 }

/**
 * TCP_MD5SIG: `{tcpm_addr={…}, tcpm_keylen=6, tcpm_key="secret"}` as Linux has it, or `[1]` as FreeBSD has it, whose key is
 * set elsewhere: here by `--tcp_md5_secret`.
 */
export const signatureOption: SocketOption<TcpSocket> = {
  get: (socket) => Number(socket.signatures?.isOn === true),
  set: (socket, expression, names) => {
    if (expression.kind === 'struct') {
      const given = field(expression, ['tcpm_addr'], 0)
      const key = field(expression, ['tcpm_key'])
      const length = field(expression, ['tcpm_keylen'])
      const text = key === null ? '' : stringOf(key)
      const peer = given === null ? NOBODY : (socketAddress(given, names, NOBODY) ?? NOBODY)
      return socket.sign(peer.host, length === null ? text : text.slice(0, numberOf(length, names))) ? ok() : fail('EINVAL')
    }
    const isOn = pointedNumber(expression, names) !== 0
    const { md5Secret } = socket
    if (isOn && md5Secret === null) throw new Unsupported('a key that is set outside of the socket: say it with --tcp_md5_secret', expression.at)
    return socket.sign('', isOn ? md5Secret! : '') ? ok() : fail('EINVAL')
  },
}
