import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { staticFiles } from '../src/static-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'stack-test-'))
const root = join(folder, 'root')
let server: http.Server

beforeAll(async () => {
  mkdirSync(join(root, 'sub'), { recursive: true })
  mkdirSync(join(root, 'site'))
  mkdirSync(join(root, 'sub?#'))
  mkdirSync(join(root, '.git'))
  mkdirSync(join(folder, 'root-and-more'))
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  writeFileSync(join(folder, 'root-and-more', 'secret.txt'), 'secret')
  writeFileSync(join(root, '.git', 'config'), 'secret')
  writeFileSync(join(root, '.env'), 'secret')
  writeFileSync(join(root, 'hello.txt'), '0123456789')
  writeFileSync(join(root, 'empty.bin'), '')
  writeFileSync(join(root, 'a <b> & "c" 100%.js'), 'let x')
  writeFileSync(join(root, 'sub', 'x:y.html'), '<p>')
  writeFileSync(join(root, 'site', 'index.html'), '<h1>home</h1>')
  symlinkSync(join(folder, 'secret.txt'), join(root, 'link-out.txt'))
  symlinkSync(folder, join(root, 'link-up'))
  symlinkSync(join(folder, 'root-and-more'), join(root, 'link-beside'))
  symlinkSync(join(root, 'hello.txt'), join(root, 'link-in.txt'))
  server = http.createServer(await staticFiles(root)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
})

afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** A request whose path goes out as it is: no client may tidy it up. */
function ask(path: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    http.request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, path, headers, method, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body })
      })
    }).on('error', reject).end()
  })
}

describe('files', () => {
  it('come with type, length and tag', async () => {
    const { status, headers, body } = await ask('/hello.txt?query#fragment')
    expect([status, body]).toEqual([200, '0123456789'])
    expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'content-length': '10', 'accept-ranges': 'bytes', 'x-content-type-options': 'nosniff' })
    expect(headers.etag).toMatch(/^"[\da-f]+-[\da-f]+"$/)
  })

  it('may be empty, unknown, oddly named or linked from inside', async () => {
    expect(await ask('/empty.bin')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '0', 'content-type': 'application/octet-stream' } })
    expect(await ask(`/${encodeURIComponent('a <b> & "c" 100%.js')}`)).toMatchObject({ status: 200, body: 'let x' })
    expect(await ask('/link-in.txt')).toMatchObject({ status: 200, body: '0123456789' })
  })

  it('are not sent again to who has them', async () => {
    const { headers: { etag } } = await ask('/hello.txt')
    for (const known of [etag!, `W/${etag!}`, `"other", ${etag!}`, '*']) {
      expect(await ask('/hello.txt', { 'if-none-match': known })).toMatchObject({ status: 304, body: '' })
    }
    expect(await ask('/hello.txt', { 'if-none-match': '"other"' })).toMatchObject({ status: 200 })
  })

  it.each([
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-30', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
  ])('come in part for %s', async (range, body, contentRange) => {
    expect(await ask('/hello.txt', { range })).toMatchObject({ status: 206, body, headers: { 'content-range': contentRange, 'content-length': String(body.length) } })
  })

  it.each(['bytes=0-1,4-5', 'bytes=4-2', 'lines=1-2', 'bytes=-', 'bytes=a-b'])('come whole for %s', async (range) => {
    expect(await ask('/hello.txt', { range })).toMatchObject({ status: 200, body: '0123456789' })
  })

  it.each([['/hello.txt', 'bytes=10-'], ['/hello.txt', 'bytes=-0'], ['/empty.bin', 'bytes=0-0']])('%s has no %s', async (path, range) => {
    expect(await ask(path, { range })).toMatchObject({ status: 416, headers: { 'content-range': expect.stringMatching(/^bytes \*\/\d+$/) as string } })
  })

  it('come whole when they changed since the part before', async () => {
    const { headers: { etag } } = await ask('/hello.txt')
    expect(await ask('/hello.txt', { range: 'bytes=0-0', 'if-range': etag })).toMatchObject({ status: 206 })
    expect(await ask('/hello.txt', { range: 'bytes=0-0', 'if-range': '"old"' })).toMatchObject({ status: 200 })
  })

  it('are for GET and HEAD', async () => {
    expect(await ask('/hello.txt', {}, 'HEAD')).toMatchObject({ status: 200, body: '', headers: { 'content-length': '10' } })
    expect(await ask('/', {}, 'HEAD')).toMatchObject({ status: 200, body: '' })
    expect(await ask('/hello.txt', {}, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })
})

describe('folders', () => {
  it('show their index.html, else a list', async () => {
    expect(await ask('/site/')).toMatchObject({ status: 200, body: '<h1>home</h1>', headers: { 'content-type': 'text/html; charset=utf-8' } })
    const { body } = await ask('/')
    expect(body).toContain('<a href="./sub/">sub/</a>')
    expect(body).toContain('<a href="./a%20%3Cb%3E%20%26%20%22c%22%20100%25.js">a &lt;b&gt; &amp; &quot;c&quot; 100%.js</a>')
    expect(body.indexOf('sub/')).toBeLessThan(body.indexOf('hello.txt'))
    expect(body).not.toContain('.env')
    expect(body).not.toContain('../')
    expect((await ask('/sub/')).body).toContain('<a href="./../">../</a>')
    expect((await ask('/sub/')).body).toContain('<a href="./x%3Ay.html">x:y.html</a>')
  })

  it('have a slash at the end', async () => {
    expect(await ask('/sub')).toMatchObject({ status: 301, headers: { location: '/sub/' } })
    expect(await ask('/sub%3f%23')).toMatchObject({ status: 301, headers: { location: '/sub%3F%23/' } })
    expect(await ask('//sub')).toMatchObject({ status: 301, headers: { location: '/sub/' } })
    expect(await ask('/hello.txt/')).toMatchObject({ status: 404 })
  })
})

describe('what is outside does not exist', () => {
  it.each([
    '/../secret.txt', '/sub/../../secret.txt', '/%2e%2e/secret.txt', '/%2E%2E%2Fsecret.txt', '/..%2fsecret.txt', '/sub/..%2f..%2fsecret.txt',
    '/.%2e/secret.txt', '/./../secret.txt', '/link-out.txt', '/link-up/secret.txt', '/link-up/', '/link-up', '/link-beside/secret.txt',
    '/.env', '/.git/config', '/.git/', '/%2egit/config', '/sub/%2e%2e/.env', '//../secret.txt', '/%5c..%5csecret.txt', '/nothing', '/hello.txt/x',
  ])('%s', async (path) => {
    const { status, body } = await ask(path)
    expect(status).toBe(404)
    expect(body).not.toContain('secret')
  })

  it.each(['/%', '/%ff', '/%00', '/hello.txt%00.html', '*', 'http://elsewhere/hello.txt'])('%s is no path', async (path) => {
    expect((await ask(path)).status).toBe(400)
  })
})
