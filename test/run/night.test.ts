import { testNights } from '../support/nights.ts';

// The oldest and the newest etcd, and what most clusters are; test/matrix has all the others.
testNights({ version: '3.6', size: 3, security: 'TLS' });
testNights({ version: '3.4', size: 1, security: 'plain text' });
testNights({ version: '3.7', size: 1, security: 'a password' });
