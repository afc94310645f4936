import { testWholeRun } from '../support/whole-run.ts';

// The oldest and the newest etcd, and what most clusters are; test/matrix has all the others.
testWholeRun({ version: '3.6', size: 3, security: 'TLS' });
testWholeRun({ version: '3.4', size: 1, security: 'plain text' });
testWholeRun({ version: '3.7', size: 1, security: 'a password' });
