// node tools/check-declarations.mjs: does every source state the types that it exports (isolatedDeclarations)?
// The type check looks at tests too, which need not, so it does not ask; a build does, minutes later.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { list } from './lib/files.mjs'
import { ROOT } from './lib/process.mjs'

const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), (path) => readFileSync(path, 'utf8'))
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT)

const problems = []
for (const path of list(/^packages\/[^/]+\/src\/.*\.ts$/)) {
  const { diagnostics } = ts.transpileDeclaration(readFileSync(join(ROOT, path), 'utf8'), { compilerOptions: options, fileName: path, reportDiagnostics: true })
  for (const { file, start, messageText } of diagnostics) {
    const line = file.getLineAndCharacterOfPosition(start).line + 1
    problems.push(`${path}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  }
}
if (problems.length > 0) {
  console.log(problems.join('\n'))
  process.exitCode = 1
}
