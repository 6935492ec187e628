import { createReadStream } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import type http from 'node:http'
import { join, sep } from 'node:path'
import { pipeline } from 'node:stream'
import { lookup } from 'mrmime'
import { listing } from './listing.ts'
import { byteRange } from './byte-range.ts'

/**
 * Serves the files of a folder: index.html or a list for a folder, types by name, `ETag`, ranges. What is outside of the
 * folder, by `..` or by symbolic link, and names that begin with a dot do not exist.
 */
export async function staticFiles(folder: string): Promise<http.RequestListener> {
  const root = await realpath(folder)
  return (request, response) => {
    serve(root, request, response).catch(() => {
      refuse(response, 500, 'The file cannot be read.')
    })
  }
}

async function serve(root: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    refuse(response, 405, 'Only GET and HEAD.')
    return
  }
  const path = pathOf(request.url ?? '/')
  if (path === null) {
    refuse(response, 400, 'The path is malformed.')
    return
  }
  const found = await resolveInside(root, path)
  if (found === null) refuse(response, 404, 'Nothing here.')
  else if (!found.isFolder) await sendFile(found.path, request, response)
  else if (!path.endsWith('/')) redirect(response, `${path}/`)
  else await sendFolder(root, found.path, path, request, response)
}

/** The decoded path of a request, without its query. Null when it is none. */
function pathOf(target: string): string | null {
  try {
    const path = decodeURIComponent(target.replace(/[?#].*$/s, ''))
    return path.startsWith('/') && !path.includes('\0') ? path : null
  } catch {
    return null
  }
}

/** What a path leads to, after symbolic links; null unless it exists within the root. */
async function resolveInside(root: string, path: string): Promise<{ readonly path: string; readonly isFolder: boolean } | null> {
  // Segments are checked after decoding, so `%2e%2e` is `..`; on Windows a backslash separates too.
  if (path.split(sep === '/' ? /\// : /[/\\]/).some((segment) => segment.startsWith('.'))) return null
  try {
    const real = await realpath(join(root, path))
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) return null
    const found = await stat(real)
    // Not devices and pipes: to read them may never end. A file is no folder, whatever the path says.
    if (found.isDirectory()) return { path: real, isFolder: true }
    return found.isFile() && !path.endsWith('/') ? { path: real, isFolder: false } : null
  } catch {
    return null
  }
}

async function sendFolder(root: string, folder: string, path: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const index = await resolveInside(root, `${path}index.html`)
  if (index?.isFolder === false) {
    await sendFile(index.path, request, response)
    return
  }
  const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'))
  const page = listing(path, entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() })))
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(page) })
  response.end(request.method === 'HEAD' ? undefined : page)
}

async function sendFile(path: string, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const { size, mtimeMs, mtime } = await stat(path)
  const etag = `"${size.toString(16)}-${Math.round(mtimeMs).toString(16)}"`
  response.setHeader('etag', etag)
  response.setHeader('last-modified', mtime.toUTCString())
  response.setHeader('accept-ranges', 'bytes')
  response.setHeader('x-content-type-options', 'nosniff')
  // RFC 9110 §13.1.2: compared weakly, one of a list, or any.
  const known = request.headers['if-none-match']
  if (known?.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, ''))) === true) {
    response.writeHead(304).end()
    return
  }
  const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag
  const range = fresh ? byteRange(request.headers.range, size) : null
  if (range === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${String(size)}`)
    refuse(response, 416, 'The file has no such range.')
    return
  }
  const { start, end } = range ?? { start: 0, end: size - 1 }
  if (range !== null) response.setHeader('content-range', `bytes ${String(start)}-${String(end)}/${String(size)}`)
  response.writeHead(range === null ? 200 : 206, { 'content-type': typeOf(path), 'content-length': end - start + 1 })
  if (request.method === 'HEAD' || end < start) response.end()
  else pipeline(createReadStream(path, { start, end }), response, () => undefined)
}

function typeOf(path: string): string {
  const type = lookup(path) ?? 'application/octet-stream'
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}

function redirect(response: http.ServerResponse, path: string): void {
  // One slash in front: `//host/` would be another host's URL.
  const location = path.replace(/^\/+/, '/').split('/').map(encodeURIComponent).join('/')
  response.writeHead(301, { location, 'content-length': 0 }).end()
}

function refuse(response: http.ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(text) + 1 }).end(`${text}\n`)
}
