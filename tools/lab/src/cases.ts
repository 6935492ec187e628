import type { LabCase } from './case.ts'
import { cliCases } from './cases/cli.ts'
import { connectionCases, curlCases, nginxCases, plainCurlCases } from './cases/http.ts'
import { duplicateCases } from './cases/duplicate.ts'
import { deviceCases } from './cases/device.ts'
import { goodputCases } from './cases/goodput.ts'
import { lossCases } from './cases/loss.ts'
import { namespaceCase } from './cases/namespace.ts'
import { nodeCases } from './cases/node.ts'
import { pingCases } from './cases/ping.ts'
import { refusedCases } from './cases/refused.ts'
import { signedCases } from './cases/signed.ts'
import { largeDatagramCases, udpCases } from './cases/udp.ts'

/** Every case, in the order in which they run. */
export const cases: readonly LabCase[] = [namespaceCase, ...deviceCases, ...pingCases, ...duplicateCases, ...udpCases, ...largeDatagramCases, ...refusedCases, ...connectionCases, ...curlCases, ...plainCurlCases, ...nginxCases, ...nodeCases, ...signedCases, ...cliCases, ...lossCases, ...goodputCases]
