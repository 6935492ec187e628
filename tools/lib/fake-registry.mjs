// Just enough of a package registry to publish to and install from. Everything is in memory.
import { createServer } from 'node:http'

/** Starts on a free port of loopback: { url, packages, close }. */
export async function fakeRegistry() {
  const packages = new Map()
  const tarballs = new Map()

  function publish(name, document) {
    const known = packages.get(name) ?? { name, versions: {}, 'dist-tags': {} }
    Object.assign(known.versions, document.versions)
    Object.assign(known['dist-tags'], document['dist-tags'])
    packages.set(name, known)
    for (const [file, { data }] of Object.entries(document._attachments)) tarballs.set(file, Buffer.from(data, 'base64'))
    // The client does not know where its tarball will be.
    for (const version of Object.values(document.versions)) {
      version.dist.tarball = `${server.url}/-/tarball/${encodeURIComponent(`${name}-${version.version}.tgz`)}`
    }
  }

  function answer(method, path, body) {
    if (path.startsWith('-/tarball/')) return tarballs.get(path.slice('-/tarball/'.length))
    if (method === 'PUT') {
      publish(path, JSON.parse(body))
      return { ok: true }
    }
    return packages.get(path)
  }

  const http = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname.slice(1))
    const result = answer(request.method, path, Buffer.concat(chunks).toString())
    response.writeHead(result === undefined ? 404 : 200, { 'content-type': Buffer.isBuffer(result) ? 'application/octet-stream' : 'application/json' })
    response.end(Buffer.isBuffer(result) ? result : JSON.stringify(result ?? { error: 'Not found' }))
  })
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server = {
    url: `http://127.0.0.1:${http.address().port}`,
    packages,
    close: () => { http.closeAllConnections(); http.close() },
  }
  return server
}
