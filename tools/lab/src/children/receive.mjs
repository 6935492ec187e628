// Takes one connection on a port, and says how long its bytes took, from the first to the last.
import net from 'node:net'

const [port, size] = process.argv.slice(2).map(Number)
const server = net.createServer((socket) => {
  let bytes = 0
  let first = 0
  socket.on('data', (data) => {
    if (bytes === 0) first = performance.now()
    bytes += data.length
  })
  socket.on('end', () => {
    console.log(bytes === size ? `took ${performance.now() - first}` : `${bytes} bytes came of ${size}`)
    server.close()
  })
})
server.listen(port, () => console.log('listening'))
