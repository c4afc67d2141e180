<?php
header('Location: /login?to=callback', true, 302);
