import { after } from 'node:test';
import { testWholeRun } from '../support/whole-run.ts';
import { builtBundle } from './built.ts';

const built = await builtBundle();
after(() => built[Symbol.asyncDispose]());
process.env.JOB_SCRIPT = built.main;

testWholeRun({ version: '3.6', size: 1, security: 'TLS' });
