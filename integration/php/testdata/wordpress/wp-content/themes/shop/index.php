<?php bloginfo('name');
