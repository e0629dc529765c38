import { render } from 'preact';
import { startIsolation } from './isolation.js';
import './styles.css';
import { App } from './view/app.js';

render(<App />, document.getElementById('app')!);
void startIsolation();
