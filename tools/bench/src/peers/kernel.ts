import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { rate, type Figure } from '../measure.ts'

/** Node's own `net` over loopback: what these stacks are measured against. */
export async function kernelBulk(bytes: number): Promise<Figure> {
  const [client, peer, close] = await connected()
  const chunk = new Uint8Array(256 * 1024).fill(7)
  const result = await rate(bytes / 1e6, () => new Promise((resolve) => {
    let sent = 0
    let got = 0
    peer.on('data', (data) => {
      got += data.length
      if (got >= bytes) resolve()
    })
    const push = (): void => {
      while (sent < bytes) {
        sent += chunk.length
        if (!client.write(chunk)) {
          client.once('drain', push)
          return
        }
      }
    }
    push()
  }))
  close()
  return result
}

export async function kernelRequestResponse(count: number, size: number): Promise<Figure> {
  const [client, peer, close] = await connected()
  client.setNoDelay(true)
  peer.setNoDelay(true)
  const message = new Uint8Array(size)
  peer.on('data', (data) => peer.write(data))
  const result = await rate(count, () => new Promise((resolve) => {
    let left = count
    client.on('data', () => {
      if (--left === 0) resolve()
      else client.write(message)
    })
    client.write(message)
  }))
  close()
  return result
}

export async function kernelConnectRequestClose(count: number): Promise<Figure> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => socket.write(data))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const message = new Uint8Array(64)
  const result = await rate(count, async () => {
    for (let i = 0; i < count; i++) {
      const socket = net.connect(port, '127.0.0.1')
      socket.write(message)
      await once(socket, 'data')
      socket.end()
      await once(socket, 'close')
    }
  })
  server.close()
  return result
}

export async function kernelDatagrams(count: number): Promise<Figure> {
  const receiver = dgram.createSocket('udp4')
  const sender = dgram.createSocket('udp4')
  receiver.bind(0, '127.0.0.1')
  await once(receiver, 'listening')
  sender.connect(receiver.address().port, '127.0.0.1')
  await once(sender, 'connect')
  const data = new Uint8Array(1200)
  const result = await rate(count, () => new Promise((resolve) => {
    let got = 0
    let sent = 0
    const send = (): void => {
      for (let i = 0; i < 64 && sent < count; i++, sent++) sender.send(data)
    }
    receiver.on('message', () => {
      if (++got === count) resolve()
      else if (got === sent) send()
    })
    send()
  }))
  receiver.close()
  sender.close()
  return result
}

async function connected(): Promise<[net.Socket, net.Socket, () => void]> {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  const [peer] = (await once(server, 'connection')) as [net.Socket]
  const close = (): void => {
    client.destroy()
    peer.destroy()
    server.close()
  }
  return [client, peer, close]
}
