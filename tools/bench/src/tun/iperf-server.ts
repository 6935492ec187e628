import type { Connection, Listener, Tcp } from '@stack/tcp'

/** Where iperf3 servers listen. */
const PORT = 5201
const COOKIE_LENGTH = 37
const CHUNK = 128 * 1024

/** Steps of a test, a byte each on the control connection. */
const TEST_START = 1
const TEST_RUNNING = 2
const TEST_END = 4
const PARAM_EXCHANGE = 9
const CREATE_STREAMS = 10
const EXCHANGE_RESULTS = 13
const DISPLAY_RESULTS = 14

/** What a client asks for, of what matters here. */
interface Parameters {
  readonly reverse?: boolean
}

/** Serves one test of an iperf3 client with one TCP connection, either way, with the plain calls of a program. */
export async function serveIperf(tcp: Tcp): Promise<void> {
  const listener = tcp.listen({ port: PORT })
  try {
    await serve(listener)
  } finally {
    await listener.close()
  }
}

async function serve(listener: Listener): Promise<void> {
  const control = await accept(listener)
  await control.write(Uint8Array.of(PARAM_EXCHANGE))
  const { reverse = false } = (await readJson(control)) as Parameters
  await control.write(Uint8Array.of(CREATE_STREAMS))
  const stream = await accept(listener)
  await control.write(Uint8Array.of(TEST_START, TEST_RUNNING))
  const begun = performance.now()
  // It ends when the connection does.
  const moving = (reverse ? send(stream) : receive(stream)).catch(() => undefined)
  const [state] = await readExactly(control, 1)
  if (state !== TEST_END) throw new Error(`The client says ${String(state)} instead of the end of the test.`)
  const seconds = (performance.now() - begun) / 1000
  const bytes = reverse ? stream.bytesWritten : stream.bytesRead
  await control.write(Uint8Array.of(EXCHANGE_RESULTS))
  await readJson(control)
  await writeJson(control, {
    cpu_util_total: 0, cpu_util_user: 0, cpu_util_system: 0, sender_has_retransmits: 0,
    streams: [{ id: 1, bytes, retransmits: 0, jitter: 0, errors: 0, packets: 0, start_time: 0, end_time: seconds }],
  })
  await control.write(Uint8Array.of(DISPLAY_RESULTS))
  // It says that it is done, or just closes.
  await control.read(new Uint8Array(1))
  stream.abort()
  await moving
  control.abort()
}

async function receive(stream: Connection): Promise<void> {
  const into = new Uint8Array(CHUNK)
  while ((await stream.read(into)) !== null);
}

async function send(stream: Connection): Promise<void> {
  const chunk = new Uint8Array(CHUNK).fill(7)
  for (;;) await stream.write(chunk)
}

/** The next connection, behind its cookie. */
async function accept(listener: Listener): Promise<Connection> {
  const connection = await listener.accept()
  if (connection === null) throw new Error('The listener was closed.')
  await readExactly(connection, COOKIE_LENGTH)
  return connection
}

async function readJson(connection: Connection): Promise<unknown> {
  const length = new DataView((await readExactly(connection, 4)).buffer).getUint32(0)
  return JSON.parse(new TextDecoder().decode(await readExactly(connection, length)))
}

async function writeJson(connection: Connection, value: unknown): Promise<void> {
  const text = new TextEncoder().encode(JSON.stringify(value))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, text.length)
  await connection.write([length, text])
}

async function readExactly(connection: Connection, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; ) {
    const count = await connection.read(bytes.subarray(at))
    if (count === null) throw new Error('The client has closed early.')
    at += count
  }
  return bytes
}
