import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parsePacket } from '@stack/testing'
import { createFeeder, type Fed } from './feed.ts'
import { readFields } from './fields.ts'
import { networkOf, readCapture } from './reader.ts'
import { disagreements, tsharkFields } from './tshark.ts'

/** What came of a folder. */
export interface CorpusResult {
  readonly files: number
  readonly frames: number
  /** Frames of links that are not known here. */
  readonly unknown: number
  /** Fields compared with tshark's. */
  readonly compared: number
  readonly problems: readonly string[]
  readonly fed: Fed
}

/** A frame takes microseconds; one that takes so long is a hang in the making. ms. */
const SLOW = 1000

/** Every capture file in a folder and those in it. */
export function captureFiles(folder: string): string[] {
  return readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return captureFiles(path)
    return /\.(pcap|pcapng|cap)$/.test(name) ? [path] : []
  })
}

/** Feeds every frame of every capture in a folder to the parsers and to a stack; compares fields with tshark's where told to. */
export async function runCorpus(folder: string, withTshark: boolean): Promise<CorpusResult> {
  const problems: string[] = []
  const feeder = await createFeeder()
  let [frames, unknown, compared] = [0, 0, 0]
  const files = captureFiles(folder)
  for (const file of files) {
    const theirs = withTshark ? tsharkOrNothing(file, problems) : null
    let index = 0
    try {
      for (const frame of readCapture(readFileSync(file))) {
        const where = `${file}, frame ${++index}`
        frames++
        const started = performance.now()
        const place = networkOf(frame.linkType, frame.bytes)
        if (place === null) unknown++
        else {
          const fields = readFields(frame.bytes, place.etherType, place.offset, frame.length === frame.bytes.length)
          parsePacket(frame.bytes.subarray(place.offset))
          const other = theirs?.[index - 1]
          if (other !== undefined) {
            compared += Object.keys(fields).filter((name) => name in other).length
            problems.push(...disagreements(fields, other).map((text) => `${where}: ${text}`))
          }
        }
        feeder.feed(frame)
        if (performance.now() - started > SLOW) problems.push(`${where}: took ${Math.round(performance.now() - started)} ms`)
      }
    } catch (error) {
      problems.push(`${file}, frame ${index}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }
  const fed = await feeder.end()
  return { files: files.length, frames, unknown, compared, problems: [...problems, ...fed.problems], fed }
}

/** What tshark does not read is looked at without it. */
function tsharkOrNothing(file: string, problems: string[]): ReturnType<typeof tsharkFields> | null {
  try {
    return tsharkFields(file)
  } catch (error) {
    problems.push(`${file}: tshark failed: ${error instanceof Error ? error.message.split('\n')[0]! : String(error)}`)
    return null
  }
}
