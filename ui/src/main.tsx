import { present } from '@attensor/core';
import { render } from 'preact';
import { startIsolation } from './isolation.js';
import './styles.css';
import { App } from './view/app.js';

render(<App />, present(document.getElementById('app'), '#app'));
void startIsolation();
