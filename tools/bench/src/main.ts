/** npm run bench [-- FILTER]: every benchmark, or those whose name matches the regular expression. */
import { run } from 'mitata'
import './benchmarks.ts'

const [filter] = process.argv.slice(2)
await run(filter === undefined ? {} : { filter: new RegExp(filter) })
